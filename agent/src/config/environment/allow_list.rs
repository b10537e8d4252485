//! The allow-list of variables, as tables. Not here: who gets what (`environment`).

/// What a child may have, by exact name: where things are, how to speak, and where toolchains live.
const CHILDREN: &[&str] = &[
    "ANDROID_HOME",
    "ASDF_DATA_DIR",
    "ASDF_DIR",
    "BUN_INSTALL",
    "CARGO_BUILD_JOBS",
    "CARGO_HOME",
    "CARGO_TARGET_DIR",
    "CC",
    "CI",
    "COLORTERM",
    "CONDA_DEFAULT_ENV",
    "CONDA_PREFIX",
    "CXX",
    "DENO_DIR",
    "DOTNET_ROOT",
    "FNM_DIR",
    "FORCE_COLOR",
    "GEM_HOME",
    "GOBIN",
    "GOCACHE",
    "GOMODCACHE",
    "GOPATH",
    "GOROOT",
    "GRADLE_USER_HOME",
    "HOME",
    "JAVA_HOME",
    "LANG",
    "LANGUAGE",
    "LOGNAME",
    "M2_HOME",
    "MAVEN_HOME",
    "MISE_DATA_DIR",
    "NO_COLOR",
    "NVM_BIN",
    "NVM_DIR",
    "PATH",
    "PKG_CONFIG_PATH",
    "PNPM_HOME",
    "PYENV_ROOT",
    "RBENV_ROOT",
    "RUSTC_WRAPPER",
    "RUSTUP_HOME",
    "RUSTUP_TOOLCHAIN",
    "SDKMAN_DIR",
    "SHELL",
    "SOURCE_DATE_EPOCH",
    "TERM",
    "TMPDIR",
    "TZ",
    "USER",
    "UV_CACHE_DIR",
    "VIRTUAL_ENV",
    "VOLTA_HOME",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "ZIG_GLOBAL_CACHE_DIR",
];

/// Where certificate authorities are; children may have them, the agent's own requests use them.
const AUTHORITIES: &[&str] = &[
    "AWS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
];

/// Proxies; both spellings are in use.
const PROXIES: &[&str] = &[
    "ALL_PROXY",
    "FTP_PROXY",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "all_proxy",
    "ftp_proxy",
    "http_proxy",
    "https_proxy",
    "no_proxy",
];

/// Variables that make a loader, a shell, git or an interpreter run something: never passed on, whoever sends them.
const INJECTIONS: &[&str] =
    &["BASH_ENV", "ENV", "IFS", "NODE_OPTIONS", "PERL5LIB", "PERL5OPT", "PROMPT_COMMAND", "RUBYOPT"];

/// The same, by prefix.
const INJECTION_PREFIXES: &[&str] = &["LD_", "DYLD_", "GIT_", "PYTHON", "BASH_FUNC_"];

/// Returns whether a child may have the variable.
pub(super) fn is_for_children(name: &str) -> bool {
    CHILDREN.contains(&name) || name.starts_with("LC_") || is_authority(name)
}

/// Returns whether the variable names certificate authorities.
pub(super) fn is_authority(name: &str) -> bool {
    AUTHORITIES.contains(&name)
}

/// Returns whether the variable names a proxy.
pub(super) fn is_proxy(name: &str) -> bool {
    PROXIES.contains(&name)
}

/// Returns whether the variable could make a child run something of its own.
pub(super) fn is_injection(name: &str) -> bool {
    INJECTIONS.contains(&name) || INJECTION_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_on_the_allow_list_is_an_injection() {
        let all = CHILDREN.iter().chain(AUTHORITIES).chain(PROXIES);
        assert_eq!(all.filter(|name| is_injection(name)).collect::<Vec<_>>(), Vec::<&&str>::new());
        assert!(is_injection("GIT_DIR") && is_injection("LD_PRELOAD") && is_injection("PYTHONSTARTUP"));
    }
}
