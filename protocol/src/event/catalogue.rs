//! Events of the `all` log about what can be chosen: models, providers and profiles, as `agent/list` has them for a client that
//! brings no variables. Not here: the items (`model`, `session`).
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
