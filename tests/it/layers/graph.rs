//! The workspace's dependency graph, and the core's tree.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    process::Command,
};

use anyhow::{Context as _, Result, bail};
use cargo_metadata::{CargoOpt, DependencyKind, Metadata, MetadataCommand};

/// Packages and the arrows between them.
#[derive(Default)]
pub(crate) struct Graph {
    /// By cargo's id: two versions of a package are two packages.
    packages: BTreeMap<String, Package>,
}

/// A package of the graph.
#[derive(Default)]
pub(crate) struct Package {
    /// Its name in the registry or in the workspace.
    pub(crate) name: String,
    /// For a member, the folder of the workspace it lies in: `crates`, `bins`, `tests`, …
    pub(crate) folder: Option<String>,
    shipped: BTreeSet<String>,
    test_only: BTreeSet<String>,
}

/// Which arrows of a member count.
#[derive(Clone, Copy)]
pub(crate) enum Arrows {
    /// Normal and build dependencies: what a user of the crate gets.
    Shipped,
    /// Dev-dependencies too.
    All,
}

/// The workspace with every feature on, so that an optional dependency hides nothing.
pub(crate) fn workspace() -> Result<Graph> {
    let metadata = MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .features(CargoOpt::AllFeatures)
        // Without this cargo fetches the packages of every platform there is.
        .other_options(["--filter-platform".to_owned(), host()?])
        .exec()?;
    Graph::from_metadata(&metadata)
}

/// The names in `directory-core`'s tree as cargo builds that crate alone: in the workspace's graph its dependencies also have
/// the features that other members ask for (uuid its generators, for one).
pub(crate) fn core_tree() -> Result<BTreeSet<String>> {
    let arguments = [
        "tree",
        "--package",
        "directory-core",
        "--all-features",
        "--edges",
        "normal,build",
        "--prefix",
        "none",
        "--format",
        "{p}",
    ];
    let lines = answer("cargo", &arguments)?;
    Ok(lines.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect())
}

fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}

fn host() -> Result<String> {
    let version = answer("rustc", &["-vV"])?;
    let line = version.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc -vV names no host")?;
    Ok(line.to_owned())
}

fn answer(program: &str, arguments: &[&str]) -> Result<String> {
    let output = Command::new(program).args(arguments).current_dir(root()).output()?;
    if !output.status.success() {
        bail!("{program} {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8(output.stdout)?)
}

impl Graph {
    fn from_metadata(metadata: &Metadata) -> Result<Self> {
        let mut graph = Self::default();
        for package in &metadata.packages {
            let folder = metadata.workspace_members.contains(&package.id).then(|| {
                let inside =
                    package.manifest_path.strip_prefix(&metadata.workspace_root).unwrap_or(&package.manifest_path);
                inside.components().next().map(|first| first.as_str().to_owned()).unwrap_or_default()
            });
            let package_of = Package { name: package.name.to_string(), folder, ..Package::default() };
            graph.packages.insert(package.id.repr.clone(), package_of);
        }
        for node in &metadata.resolve.as_ref().context("cargo metadata resolved nothing")?.nodes {
            let package = graph.packages.get_mut(&node.id.repr).context("a node without a package")?;
            for arrow in &node.deps {
                let test_only = arrow.dep_kinds.iter().all(|kind| kind.kind == DependencyKind::Development);
                let arrows = if test_only { &mut package.test_only } else { &mut package.shipped };
                arrows.insert(arrow.pkg.repr.clone());
            }
        }
        Ok(graph)
    }

    /// A graph from lines such as `crates/http-api -> store actix-web rstest?`; the name is the id.
    pub(crate) fn made_up(lines: &[&str]) -> Self {
        let mut graph = Self::default();
        for line in lines {
            let (path, dependencies) = line.split_once("->").unwrap_or((line, ""));
            let (folder, name) =
                path.trim().rsplit_once('/').map_or((None, path.trim()), |(folder, name)| (Some(folder), name));
            let mut package =
                Package { name: name.to_owned(), folder: folder.map(str::to_owned), ..Package::default() };
            for dependency in dependencies.split_whitespace() {
                match dependency.strip_suffix('?') {
                    Some(dependency) => package.test_only.insert(dependency.to_owned()),
                    None => package.shipped.insert(dependency.to_owned()),
                };
            }
            graph.packages.insert(name.to_owned(), package);
        }
        graph
    }

    /// The workspace's members.
    pub(crate) fn members(&self) -> impl Iterator<Item = &Package> {
        self.packages.values().filter(|package| package.is_member())
    }

    /// The members that `member` names in its manifest.
    pub(crate) fn known_to<'a>(&'a self, member: &'a Package, arrows: Arrows) -> impl Iterator<Item = &'a Package> {
        self.follow(member, arrows).filter(|package| package.is_member())
    }

    /// The names of everything under the member of this name: its own arrows as asked for, from there on what is shipped.
    pub(crate) fn tree_of(&self, member: &str, arrows: Arrows) -> BTreeSet<&str> {
        self.members()
            .filter(|package| package.name == member)
            .flat_map(|package| self.under(package, arrows, |_| true))
            .collect()
    }

    /// The names of the packages from outside that the member itself brings in: not those that another member brings in.
    pub(crate) fn brought_in_by<'a>(&'a self, member: &'a Package, arrows: Arrows) -> BTreeSet<&'a str> {
        self.under(member, arrows, |package| !package.is_member())
    }

    fn under<'a>(&'a self, member: &'a Package, arrows: Arrows, enter: impl Fn(&Package) -> bool) -> BTreeSet<&'a str> {
        let mut waiting: Vec<&Package> = self.follow(member, arrows).filter(|package| enter(package)).collect();
        let mut seen = BTreeSet::new();
        while let Some(package) = waiting.pop() {
            if seen.insert(package.name.as_str()) {
                waiting.extend(self.follow(package, Arrows::Shipped).filter(|package| enter(package)));
            }
        }
        seen
    }

    fn follow<'a>(&'a self, package: &'a Package, arrows: Arrows) -> impl Iterator<Item = &'a Package> {
        let test_only = match arrows {
            Arrows::Shipped => None,
            Arrows::All => Some(&package.test_only),
        };
        package.shipped.iter().chain(test_only.into_iter().flatten()).filter_map(|id| self.packages.get(id))
    }
}

impl Package {
    fn is_member(&self) -> bool {
        self.folder.is_some()
    }

    /// Whether it is a member that lies in this folder of the workspace.
    pub(crate) fn lies_in(&self, folder: &str) -> bool {
        self.folder.as_deref() == Some(folder)
    }
}
