//! Searches one haystack for one compiled pattern.
//!
//! Input: an automaton and a haystack. Output: whether it matches; where it and its groups do.
//! A lazily built DFA answers whether there is a match, and where it ends. What it cannot (a Unicode `\b` beside text
//! beyond ASCII, a pattern that keeps filling its cache) and groups are left to the bounded backtracker, and to the
//! PikeVM where that would need too much memory. Each of them is linear in the haystack.
//! Absent: an automaton run backwards to find where a match starts. It would be twice the size of the forward one, and
//! where a match starts is asked only when a group is wanted, which tells it too.

use regex_automata::hybrid::dfa::DFA;
use regex_automata::nfa::thompson::backtrack::BoundedBacktracker;
use regex_automata::nfa::thompson::pikevm::PikeVM;
use regex_automata::nfa::thompson::{self, NFA};
use regex_automata::util::primitives::NonMaxUsize;
use regex_automata::{Input, hybrid};
use regex_syntax::hir::Hir;

use super::scratch::RegexScratch;
use super::{LAZY_DFA_BYTES_MAX, NFA_BYTES_MAX};

/// Times a lazy DFA may start over within a search before the search is done without it, if it gets nowhere.
const STARTS_OVER_MAX: usize = 3;
/// What "nowhere" is: fewer bytes searched than this for every state built.
const BYTES_PER_STATE_MIN: usize = 10;

#[derive(Debug)]
pub(super) struct Engine {
    pub(super) dfa: DFA,
    pub(super) backtracker: BoundedBacktracker,
    pub(super) pikevm: PikeVM,
}

impl Engine {
    /// Compiles `hir`; `None` if that takes more than [`NFA_BYTES_MAX`] bytes.
    pub(super) fn new(hir: &Hir) -> Option<Self> {
        thread_local! {
            /// A compiler begins anew with each pattern, but keeps the tables it works with: they are 300 KB, and making them
            /// takes as long as compiling a pattern.
            static COMPILER: thompson::Compiler = {
                let mut compiler = thompson::Compiler::new();
                compiler.configure(thompson::Config::new().nfa_size_limit(Some(NFA_BYTES_MAX)));
                compiler
            };
        }
        let nfa = COMPILER.with(|compiler| compiler.build_from_hir(hir).ok())?;
        let config = hybrid::dfa::Config::new()
            .unicode_word_boundary(true)
            .cache_capacity(LAZY_DFA_BYTES_MAX)
            // Large automata get the least that works, a few states' worth of their own size.
            .skip_cache_capacity_check(true)
            .minimum_cache_clear_count(Some(STARTS_OVER_MAX))
            .minimum_bytes_per_state(Some(BYTES_PER_STATE_MIN));
        Some(Self {
            dfa: hybrid::dfa::Builder::new().configure(config).build_from_nfa(nfa.clone()).ok()?,
            backtracker: BoundedBacktracker::new_from_nfa(nfa.clone()).ok()?,
            pikevm: PikeVM::new_from_nfa(nfa).ok()?,
        })
    }

    pub(super) fn nfa(&self) -> &NFA {
        self.pikevm.get_nfa()
    }

    /// Whether there is a match.
    pub(super) fn is_match(&self, input: &Input<'_>, scratch: &mut RegexScratch, place: usize) -> bool {
        let input = input.clone().earliest(true);
        match self.dfa.try_search_fwd(scratch.dfa_cache(place), &input) {
            Ok(found) => found.is_some(),
            Err(_) => self.slots(&input, scratch, 1),
        }
    }

    /// As [`Engine::is_match`], without states to build first.
    pub(super) fn is_match_without_dfa(&self, input: &Input<'_>, scratch: &mut RegexScratch) -> bool {
        self.slots(&input.clone().earliest(true), scratch, 1)
    }

    /// Whether there is a match; if so, `scratch.slots` has the ends of the first `groups` groups.
    pub(super) fn find(&self, input: &Input<'_>, scratch: &mut RegexScratch, place: usize, groups: usize) -> bool {
        let mut input = input.clone();
        match self.dfa.try_search_fwd(scratch.dfa_cache(place), &input) {
            Ok(None) => return false,
            // No match that ends further on can be preferred to this one.
            Ok(Some(end)) => input.set_end(end.offset()),
            Err(_) => {}
        }
        self.slots(&input, scratch, groups)
    }

    /// Searches without the DFA.
    fn slots(&self, input: &Input<'_>, scratch: &mut RegexScratch, groups: usize) -> bool {
        let RegexScratch { slots, backtrack, pike, .. } = scratch;
        slots.clear();
        slots.resize(2 * groups, None::<NonMaxUsize>);
        if input.get_span().len() <= self.backtracker.max_haystack_len() {
            let cache = backtrack.get_or_insert_with(|| self.backtracker.create_cache());
            cache.reset(&self.backtracker);
            if let Ok(found) = self.backtracker.try_search_slots(cache, input, slots) {
                return found.is_some();
            }
        }
        let cache = pike.get_or_insert_with(|| self.pikevm.create_cache());
        cache.reset(&self.pikevm);
        self.pikevm.search_slots(cache, input, slots).is_some()
    }
}
