//! Conditions and actions that earlier rules of a document have word for word: in a large one most have.
//!
//! In: a condition or an action as it is written. Out: what reading it comes to; read once, and kept once.
//! KN-1: what is taken from here is what reading it would come to, and reading it has nothing to report.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::actions::RuleAction;
use crate::conditions::{Leaf, Tree};
use crate::diagnostic::Report;
use crate::endpoint::Endpoint;
use crate::fingerprint;
use crate::settings::Settings;
use crate::syntax::Node;

/// Most conditions, and most actions, that are remembered.
const KNOWN_MAX: usize = 4_096;
/// Longest one that is: what is longer is rarely written twice.
const SPELLING_BYTES_MAX: usize = 512;

/// What the rules read so far have said, under one document's settings.
#[derive(Debug, Default)]
pub(crate) struct Known {
    conditions: FxHashMap<Box<[u8]>, Leaf>,
    actions: FxHashMap<Box<[u8]>, RuleAction>,
    spelling: Vec<u8>,
}

impl Known {
    /// Reads a condition or group, as [`Tree::read`] does at the top of a rule.
    pub(crate) fn condition(&mut self, node: &Node, settings: &Settings, report: &mut Report) -> Option<Tree> {
        self.spelling.clear();
        fingerprint::put(node, &mut self.spelling);
        if let Some(known) = self.conditions.get(&*self.spelling) {
            return Some(Tree::Leaf(Leaf { at: node.at, ..known.clone() }));
        }
        let before = report.findings();
        let tree = Tree::read(node, 0, settings, report)?;
        if let Tree::Leaf(leaf) = &tree
            && report.findings() == before
            && self.is_worth_it(self.conditions.len())
        {
            self.conditions.insert(self.spelling.as_slice().into(), leaf.clone());
        }
        Some(tree)
    }

    /// Reads an action, as [`RuleAction::read`] does.
    pub(crate) fn action(
        &mut self,
        node: &Node,
        parallel: bool,
        settings: &Settings,
        endpoints: &mut Vec<Arc<Endpoint>>,
        report: &mut Report,
    ) -> Option<RuleAction> {
        self.spelling.clear();
        // Reading declares the endpoint of a URL that an action names, and never takes one away: so many are the same ones.
        self.spelling.extend_from_slice(&(endpoints.len() as u32).to_le_bytes());
        self.spelling.push(u8::from(parallel));
        fingerprint::put(node, &mut self.spelling);
        if let Some(known) = self.actions.get(&*self.spelling) {
            return Some(known.at(node.at));
        }
        let (before, declared) = (report.findings(), endpoints.len());
        let action = RuleAction::read(node, parallel, settings, endpoints, report)?;
        if report.findings() == before && endpoints.len() == declared && self.is_worth_it(self.actions.len()) {
            self.actions.insert(self.spelling.as_slice().into(), action.clone());
        }
        Some(action)
    }

    fn is_worth_it(&self, known: usize) -> bool {
        known < KNOWN_MAX && self.spelling.len() <= SPELLING_BYTES_MAX
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::{Document, load};

    fn document(text: &str) -> Document {
        let loaded = load("rules.yaml", text);
        assert_eq!(loaded.documents.len(), 1, "{:#?}", loaded.diagnostics);
        loaded.documents.into_iter().next().expect("one")
    }

    #[test]
    fn what_two_rules_say_alike_is_kept_once_and_each_knows_its_own_place() {
        let rule = |id: &str, city: &str| {
            format!(
                "  - id: {id}\n    trigger: lead.created\n    conditions: [{{field: lead.city, op: equals, value: {city}}}]\n    actions: [{{type: set_status, value: hot}}]\n"
            )
        };
        let rules = [rule("a", "bogor"), rule("b", "bogor"), rule("c", "depok")].concat();
        let document = document(&format!("workspace: acme\nrules:\n{rules}"));
        let leaf = |at: usize| {
            let mut leaves = Vec::new();
            document.rules[at].each_leaf(&mut |leaf| leaves.push(leaf));
            leaves[0]
        };
        assert!(Arc::ptr_eq(&leaf(0).condition, &leaf(1).condition));
        assert!(!Arc::ptr_eq(&leaf(0).condition, &leaf(2).condition));
        assert_eq!([0, 1, 2].map(|at| leaf(at).at.line), [5, 9, 13]);
        assert_eq!([0, 1, 2].map(|at| document.rules[at].actions()[0].at.line), [6, 10, 14]);
    }

    #[test]
    fn a_finding_is_told_of_every_rule_it_is_in() {
        let rule = |id: &str| {
            format!(
                "  - {{id: {id}, name: R, trigger: lead.created, conditions: [{{field: lead.score, op: gte, value: many}}], actions: [{{type: set_status, value: nowhere}}]}}\n"
            )
        };
        let loaded = load("rules.yaml", &format!("workspace: acme\nrules:\n{}{}", rule("a"), rule("b")));
        let lines: Vec<usize> =
            loaded.diagnostics.iter().filter(|found| found.is_error()).map(|found| found.line).collect();
        assert_eq!(lines, [3, 3, 4, 4], "{:#?}", loaded.diagnostics);
    }

    #[test]
    fn an_action_goes_to_the_endpoints_that_were_declared_before_it() {
        let send = "{type: send_webhook, to: crm}";
        let rule =
            |id: &str, action: &str| format!("  - {{id: {id}, name: R, trigger: lead.created, actions: [{action}]}}\n");
        let by_url = "{type: fire_webhook, value: 'https://hooks.example/vip'}";
        let endpoints = "endpoints: {crm: {url: 'https://crm.example/in', secret: 'env:CRM'}}\n";
        let rules = [rule("a", send), rule("b", by_url), rule("c", send), rule("d", by_url)].concat();
        let document = document(&format!("workspace: acme\n{endpoints}rules:\n{rules}"));
        assert_eq!(document.endpoints.len(), 2);
        let canonical = |at: usize| document.rules[at].actions()[0].canonical();
        assert_eq!(canonical(0), canonical(2));
        assert_eq!(canonical(1), canonical(3));
        assert_ne!(canonical(0), canonical(1));
    }
}
