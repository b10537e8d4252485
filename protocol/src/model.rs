//! Usage figures and the catalogue's items. Not here: prices.

wire! {
    /// Tokens and cost of some work.
    #[derive(Default)]
    struct Usage {
        /// Tokens sent, those read from a cache included.
        input_tokens: u64,
        /// Tokens received.
        output_tokens: u64,
        /// Of the tokens sent, those the provider had cached.
        #[serde(default)]
        cache_read_tokens: u64,
        /// Tokens the provider wrote to its cache.
        #[serde(default)]
        cache_write_tokens: u64,
        /// Whether the server sent no figures and these are estimated.
        #[serde(default)]
        estimated: bool,
    }
    optional {
        /// US dollars, where prices are known.
        cost: f64,
    }
}

impl Usage {
    /// Adds other figures to these; a cost is known only while every part's is.
    pub fn add(&mut self, other: &Self) {
        let nothing_yet = *self == Self::default();
        self.input_tokens += other.input_tokens;
        self.output_tokens += other.output_tokens;
        self.cache_read_tokens += other.cache_read_tokens;
        self.cache_write_tokens += other.cache_write_tokens;
        self.estimated |= other.estimated;
        self.cost = match (self.cost, other.cost) {
            (Some(a), Some(b)) => Some(a + b),
            (None, cost) if nothing_yet => cost,
            _ => None,
        };
    }
}

wire! {
    /// A model that can be named in settings.
    struct ModelItem {
        /// `provider/model`.
        id: String,
        /// The provider's name.
        provider: String,
        /// The provider's own name of the model.
        model: String,
        /// Which HTTP format it speaks.
        wire: String,
        /// Whether a key is there, or none is needed.
        ready: bool,
    }
    optional {
        /// Tokens of its context.
        context_tokens: u64,
        /// US dollars for a million input tokens.
        input_cost: f64,
        /// US dollars for a million output tokens.
        output_cost: f64,
        /// Whether `settings.model` names it now.
        default: bool,
    }
}

words! {
    /// Where a key comes from.
    open enum KeyPlace {
        /// A variable of the client.
        Variable = "variable",
        /// A file that the configuration names.
        File = "file",
        /// It was stored by a login.
        Stored = "stored",
        /// None is needed.
        NotNeeded = "notNeeded",
        /// One is needed, and there is none.
        Missing = "missing",
    }
}

wire! {
    /// Where a provider's key comes from.
    struct KeyOrigin {
        /// What kind of place.
        place: KeyPlace,
    }
    optional {
        /// The variable or the file.
        name: String,
    }
}

wire! {
    /// A server of models.
    struct ProviderItem {
        /// Its name in the configuration.
        id: String,
        /// Which HTTP format it speaks.
        wire: String,
        /// Where it is.
        base_url: String,
        /// Whether a key is there, or none is needed.
        ready: bool,
    }
    optional {
        /// Where its key comes from.
        key: KeyOrigin,
    }
}
