//! Events of the `all` log about what can be chosen: models, providers and profiles, as `agent/list` has them for a client that
//! brings no variables; commands and skills, as it has them for a workspace or for none. Not here: the items (`model`, `session`,
//! `list`).
use crate::list::{CommandItem, SkillItem};
use crate::model::{ModelItem, ProviderItem};
use crate::session::ProfileItem;

wire! {
    /// A model came.
    struct ModelAdded {
        /// Its item.
        item: ModelItem,
    }
}

wire! {
    /// A model is another now.
    struct ModelChanged {
        /// Its item.
        item: ModelItem,
    }
}

wire! {
    /// A model went.
    struct ModelRemoved {
        /// Which.
        id: String,
    }
}

wire! {
    /// A provider came.
    struct ProviderAdded {
        /// Its item.
        item: ProviderItem,
    }
}

wire! {
    /// A provider is another now.
    struct ProviderChanged {
        /// Its item.
        item: ProviderItem,
    }
}

wire! {
    /// A provider went.
    struct ProviderRemoved {
        /// Which.
        id: String,
    }
}

wire! {
    /// A profile came.
    struct ProfileAdded {
        /// Its item.
        item: ProfileItem,
    }
}

wire! {
    /// A profile is another now.
    struct ProfileChanged {
        /// Its item.
        item: ProfileItem,
    }
}

wire! {
    /// A profile went.
    struct ProfileRemoved {
        /// Which.
        id: String,
    }
}

wire! {
    /// A command came.
    struct CommandAdded {
        /// Its item.
        item: CommandItem,
    }
    optional {
        /// The workspace in whose list it is, a `file://` URI; absent for the list without a workspace.
        workspace: String,
    }
}

wire! {
    /// A command is another now.
    struct CommandChanged {
        /// Its item.
        item: CommandItem,
    }
    optional {
        /// The workspace in whose list it is, a `file://` URI; absent for the list without a workspace.
        workspace: String,
    }
}

wire! {
    /// A command went.
    struct CommandRemoved {
        /// Which.
        id: String,
    }
    optional {
        /// The workspace in whose list it was, a `file://` URI; absent for the list without a workspace.
        workspace: String,
    }
}

wire! {
    /// A skill came.
    struct SkillAdded {
        /// Its item.
        item: SkillItem,
    }
    optional {
        /// The workspace in whose list it is, a `file://` URI; absent for the list without a workspace.
        workspace: String,
    }
}

wire! {
    /// A skill is another now.
    struct SkillChanged {
        /// Its item.
        item: SkillItem,
    }
    optional {
        /// The workspace in whose list it is, a `file://` URI; absent for the list without a workspace.
        workspace: String,
    }
}

wire! {
    /// A skill went.
    struct SkillRemoved {
        /// Which.
        id: String,
    }
    optional {
        /// The workspace in whose list it was, a `file://` URI; absent for the list without a workspace.
        workspace: String,
    }
}
