//! The image's build is given every file that it needs: what Cargo, the templates and the sources themselves name is
//! let through to the engine, and copied. An image is built nowhere here; this is what goes wrong with it unnoticed.

use std::{
    collections::BTreeSet,
    fs,
    path::{Component, Path, PathBuf},
};

/// A file of the project.
fn file(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What stands in quotes after each of these words.
fn quoted<'a>(text: &'a str, after: &str) -> Vec<&'a str> {
    text.split(after).skip(1).map(|rest| rest.split('"').next().expect("it is quoted")).collect()
}

/// The sources below a directory.
fn sources(below: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(below).expect("a directory") {
        let path = entry.expect("an entry").path();
        match path.extension() {
            _ if path.is_dir() => sources(&path, into),
            Some(ending) if ending == "rs" => into.push(path),
            _ => {}
        }
    }
}

/// A path without the dots in it, from the project's directory.
fn plain(path: &Path) -> String {
    let mut parts = Vec::new();
    for part in path.strip_prefix(root()).expect("it is of the project").components() {
        match part {
            Component::ParentDir => drop(parts.pop()),
            part => parts.push(part.as_os_str().to_str().expect("UTF-8")),
        }
    }
    parts.join("/")
}

/// What the build reads.
fn needed() -> BTreeSet<String> {
    let mut needed: BTreeSet<_> = ["Cargo.toml", "Cargo.lock", "src"].map(str::to_owned).into();
    // What the manifest names must be there, even if it is not built.
    let manifest = file("Cargo.toml");
    needed.extend(quoted(&manifest, "[[bench]]\nname = \"").into_iter().map(|name| format!("benches/{name}")));
    let mut all = Vec::new();
    sources(&root().join("src"), &mut all);
    for source in all {
        let text = fs::read_to_string(&source).expect("a source");
        let beside = source.parent().expect("it is somewhere");
        let included = ["include_str!(\"", "include_bytes!(\""].into_iter().flat_map(|word| quoted(&text, word));
        needed.extend(included.map(|path| plain(&beside.join(path))));
        needed.extend(quoted(&text, "#[folder = \"").into_iter().map(|path| path.trim_end_matches('/').to_owned()));
        let templates = quoted(&text, "#[template(path = \"");
        if !templates.is_empty() {
            needed.insert("askama.toml".to_owned());
            let below = quoted(&file("askama.toml"), "dirs = [\"").first().expect("a directory").to_string();
            needed.extend(templates.into_iter().map(|path| format!("{below}/{path}")));
        }
    }
    for path in &needed {
        assert!(root().join(path).exists(), "{path} is not where this test takes it to be");
    }
    needed
}

/// What of this is neither among these paths nor below one of them.
fn missing<'a>(needed: &'a BTreeSet<String>, given: &[&str]) -> Vec<&'a str> {
    let within = |path: &str, place: &str| path == place || Path::new(path).starts_with(place);
    needed.iter().map(String::as_str).filter(|path| !given.iter().any(|place| within(path, place))).collect()
}

#[test]
fn the_image_is_built_from_all_that_the_build_reads() {
    let needed = needed();
    assert!(needed.len() > 10 && needed.contains("askama.toml"), "{needed:?}");
    let let_through = file("deploy/Dockerfile.dockerignore");
    let let_through: Vec<_> = let_through.lines().filter_map(|line| line.strip_prefix('!')).collect();
    assert_eq!(missing(&needed, &let_through), Vec::<&str>::new(), "is not let through to the engine");
    let build = file("deploy/Dockerfile");
    let copied = build.lines().filter_map(|line| line.strip_prefix("COPY ")).filter(|line| !line.starts_with("--"));
    let copied: Vec<_> = copied.flat_map(|line| line.rsplit_once(' ').expect("a place").0.split(' ')).collect();
    assert_eq!(missing(&needed, &copied), Vec::<&str>::new(), "is not copied");
}
