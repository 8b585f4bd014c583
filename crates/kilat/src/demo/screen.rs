//! The terminal while the view is on it.
//!
//! Input: scenes. Output: frames, and whether somebody wants to quit. Absent: what is drawn; that is `view`'s.

use std::time::Duration;

use ratatui::crossterm::event::{self, Event as Input, KeyCode, KeyEventKind, KeyModifiers};

use super::view::{self, Scene};
use crate::failure::Failure;

/// The terminal while the view is on it; dropping it gives it back.
pub(super) struct Screen(ratatui::DefaultTerminal);

impl Screen {
    pub(super) fn open() -> Result<Screen, Failure> {
        let terminal = ratatui::try_init().map_err(|error| {
            Failure::because("taking over the terminal", error, "pipe the output somewhere for plain progress lines")
        })?;
        Ok(Screen(terminal))
    }

    /// Draws, then waits for a key; whether somebody wants to quit.
    pub(super) fn show(&mut self, scene: &Scene, wait: Duration) -> Result<bool, Failure> {
        let failed = |error| Failure::because("drawing on the terminal", error, "pipe the output somewhere");
        self.0.draw(|frame| view::draw(frame, scene)).map_err(failed)?;
        if !event::poll(wait).map_err(failed)? {
            return Ok(false);
        }
        let Input::Key(key) = event::read().map_err(failed)? else { return Ok(false) };
        let interrupt = key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL);
        Ok(key.kind == KeyEventKind::Press && (interrupt || matches!(key.code, KeyCode::Char('q') | KeyCode::Esc)))
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        ratatui::restore();
    }
}
