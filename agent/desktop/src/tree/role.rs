//! From AT-SPI's roles and states to ours. The numbers are those of `AtspiRole` and
//! `AtspiStateType` (at-spi2-core, atspi-constants.h), which are part of the protocol.

use karakuri_protocol::role::Role;

/// States as `GetState` answers them: 64 bits in two words.
#[derive(Clone, Copy, Debug)]
pub(super) struct States(u64);

/// A state by the number of its bit.
#[derive(Clone, Copy, Debug)]
pub(super) enum State {
    Checked = 4,
    Editable = 7,
    Showing = 25,
}

impl States {
    pub(super) fn new(words: &[u32]) -> Self {
        let word = |at: usize| u64::from(words.get(at).copied().unwrap_or(0));
        Self(word(0) | word(1) << 32)
    }

    pub(super) fn has(self, state: State) -> bool {
        self.0 & (1 << state as u32) != 0
    }
}

/// What an element is for, if it is for anything that scripts name.
pub(super) fn role(number: u32, states: States) -> Option<Role> {
    Some(match number {
        // push button, toggle button
        43 | 62 => Role::Button,
        // password text, spin button, entry
        40 | 52 | 79 => Role::Field,
        // text
        61 if states.has(State::Editable) => Role::Field,
        // check box, switch
        7 | 130 => Role::CheckBox,
        44 => Role::RadioButton,
        11 => Role::ComboBox,
        51 => Role::Slider,
        88 => Role::Link,
        // check menu item, menu, menu item, radio menu item
        8 | 33 | 35 | 45 => Role::MenuItem,
        // page tab
        37 => Role::Tab,
        // list item, tree item
        32 | 91 => Role::ListItem,
        // table cell
        56 => Role::Cell,
        29 => Role::Label,
        83 => Role::Heading,
        // icon, image
        26 | 27 => Role::Image,
        _ => return None,
    })
}

/// Whether a thing of this role is on or off.
pub(super) fn is_two_state(role: Role) -> bool {
    matches!(role, Role::CheckBox | Role::RadioButton)
}
