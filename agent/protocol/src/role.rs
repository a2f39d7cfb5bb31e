//! What the things on a screen are for, in the words of scripts.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The purpose of a thing on the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Does something when clicked.
    Button,
    /// Takes text.
    Field,
    /// Is on or off.
    CheckBox,
    /// Is on while the others of its group are off.
    RadioButton,
    /// Opens a list to choose from.
    ComboBox,
    /// Sets a value by being dragged.
    Slider,
    /// Leads elsewhere.
    Link,
    /// An entry of a menu, or a menu in its bar.
    MenuItem,
    /// Brings a page to the front.
    Tab,
    /// An entry of a list or a tree.
    ListItem,
    /// A cell of a table.
    Cell,
    /// Text beside a control.
    Label,
    /// The title of a part of a document.
    Heading,
    /// A picture or an icon.
    Image,
    /// A window of an application; its name is its title.
    Window,
}

impl Role {
    /// Whether such a thing is there to be operated, and not to be read.
    #[must_use]
    pub fn is_control(self) -> bool {
        match self {
            Self::Button | Self::Field | Self::CheckBox | Self::RadioButton | Self::ComboBox => {
                true
            }
            Self::Slider | Self::Link | Self::MenuItem | Self::Tab => true,
            Self::ListItem | Self::Cell | Self::Label | Self::Heading => false,
            Self::Image | Self::Window => false,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Button => "button",
            Self::Field => "field",
            Self::CheckBox => "check box",
            Self::RadioButton => "radio button",
            Self::ComboBox => "combo box",
            Self::Slider => "slider",
            Self::Link => "link",
            Self::MenuItem => "menu item",
            Self::Tab => "tab",
            Self::ListItem => "list item",
            Self::Cell => "cell",
            Self::Label => "label",
            Self::Heading => "heading",
            Self::Image => "image",
            Self::Window => "window",
        })
    }
}
