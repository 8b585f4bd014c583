"""What Kilat should decide on the Kafka Streams peer's events and rules, by an evaluator that shares no code with it.

The peer's own evaluator (`expected.py` beside its rules) lowers the case of a text. This one does the same in everything else, and
differs where Kilat means to (D-6, D-10): keywords and edges are looked for in the text folded by NFKC_Casefold with whitespace
squeezed, and are folded themselves; patterns are searched in the text as it came, whatever the case. Folding is the standard
library's, with the default-ignorable code points of The Unicode Standard (DerivedCoreProperties) taken out.

usage: peer_folded.py PEERS EVENTS RULES
(../shared/peers, its events.bin, a rules-N.json; 100 rules take two minutes, 1,000 some twenty)
Prints the events that fired a rule, the fires, and SHA-256 over the lines `event_id rule_id`, as `expected.py` does.
"""
import hashlib
import importlib.util
import json
import re
import sys
import unicodedata

IGNORABLE = [
    (0xAD, 0xAD), (0x34F, 0x34F), (0x61C, 0x61C), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F), (0x200B, 0x200F),
    (0x202A, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0),
    (0xFFF0, 0xFFF8), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF),
]
DROPPED = {chr(c) for first, last in IGNORABLE for c in range(first, last + 1)}


def kept(text):
    return "".join(c for c in text if c not in DROPPED)


def fold(text):
    if text.isascii():
        text = text.casefold()
    else:
        text = kept(unicodedata.normalize("NFD", text))
        # Casefolding can bring forth what normalises further; thrice is where toNFKC_Casefold stands still.
        for _ in range(3):
            text = kept(unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()))
    return " ".join(text.split())


def text_test(peer, text):
    """A test of (text as it came, folded text)."""
    if text is None:
        return lambda _, __: True
    if text["op"] == "regex":
        search = re.compile(text["value"], re.IGNORECASE).search
        return lambda original, _: search(original)
    # What a rule names is folded as texts are.
    names = {key: [fold(name) for name in value] if isinstance(value, list) else fold(value) for key, value in text.items() if key != "op"}
    test = peer.text_test({"op": text["op"], **names})
    return lambda _, folded: test(folded)


def main():
    peers, events_path, rules_path = sys.argv[1:]
    spec = importlib.util.spec_from_file_location("expected", f"{peers}/expected.py")
    peer = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(peer)
    with open(rules_path, encoding="utf-8") as file:
        rules = [
            (r["id"], text_test(peer, r["text"]), [(p["field"], peer.OPS[p["op"]], p) for p in r["where"]], r["then"]["set_status"])
            for r in json.load(file)["rules"]
        ]
    states, lines, fired = {}, [], 0
    for value in peer.events(events_path):
        (event_id, _, conversation, channel, sender_kind, text), hint = peer.decode(value)
        status, chat_count = states.get(conversation, ("new", 0))
        facts = {"status": hint or status, "chat_count": chat_count + 1, "sender_kind": sender_kind, "channel": channel}
        folded, before = fold(text), len(lines)
        for rule_id, test, where, set_status in rules:
            if all(op(facts[field], predicate) for field, op, predicate in where) and test(text, folded):
                lines.append(f"{event_id} {rule_id}\n")
                facts["status"] = set_status
        fired += len(lines) > before
        states[conversation] = (facts["status"], facts["chat_count"])
    digest = hashlib.sha256("".join(sorted(lines)).encode()).hexdigest()
    print(json.dumps({"events_fired": fired, "actions": len(lines), "sha256": digest}))


if __name__ == "__main__":
    main()
