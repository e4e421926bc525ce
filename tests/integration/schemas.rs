//! The schemas of what is printed: real documents and events are valid under them, have nothing that
//! they do not describe, and have what they describe.

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Map, Value};

use crate::faults::copy_of;
use crate::support::{Cluster, Ran, root};

const DOCUMENTS: [&str; 5] = ["drift", "events", "plan", "show", "status"];

fn schema(of: &str) -> Value {
    Cluster::sandbox().run(&["schema", "--of", of]).expect(0).json()
}

#[test]
fn a_schema_is_what_was_published() {
    let bless = std::env::var_os("SUBAKO_BLESS").is_some();
    for of in DOCUMENTS {
        let printed = Cluster::sandbox().run(&["schema", "--of", of]).expect(0).stdout;
        let golden = root().join(format!("tests/integration/golden/schemas/{of}.json"));
        if bless {
            fs::create_dir_all(golden.parent().expect("a folder")).expect("a folder");
            fs::write(&golden, &printed).expect("written");
        }
        let written = fs::read_to_string(&golden).unwrap_or_default();
        assert!(
            printed == written,
            "{of}: SUBAKO_BLESS=1 rewrites it; read the difference"
        );
    }
    let manifest = Cluster::sandbox().run(&["schema"]).expect(0).stdout;
    let named = Cluster::sandbox()
        .run(&["schema", "--of", "manifest"])
        .expect(0)
        .stdout;
    assert_eq!(manifest, named);
}

/// A schema, and which of its properties were seen: by the definition or the document that has them.
struct Validator<'a> {
    root: &'a Value,
}

type Seen = BTreeSet<String>;

impl Validator<'_> {
    fn definition<'a>(&'a self, reference: &'a Value) -> (&'a str, &'a Value) {
        let name = reference
            .as_str()
            .and_then(|name| name.strip_prefix("#/definitions/"));
        let name = name.unwrap_or_else(|| panic!("{reference} refers to no definition"));
        (name, &self.root["definitions"][name])
    }

    /// Stricter than JSON Schema: what has properties has no others, unless that is said.
    fn valid(&self, schema: &Value, value: &Value, at: &str, seen: &mut Seen) -> Result<(), String> {
        let fields = schema.as_object().expect("a schema is an object");
        let wrong = |keyword: &str| Err(format!("{at}: {value} is not what `{keyword}` says"));
        for (keyword, wanted) in fields {
            match keyword.as_str() {
                "$schema" | "title" | "description" | "definitions" => {}
                "$ref" => {
                    let (name, definition) = self.definition(wanted);
                    self.valid(definition, value, name, seen)?;
                }
                "allOf" => {
                    for each in wanted.as_array().expect("a list") {
                        self.valid(each, value, at, seen)?;
                    }
                }
                "anyOf" => {
                    let mut problems = Vec::new();
                    let fits = wanted.as_array().expect("a list").iter().any(|each| {
                        let mut tried = Seen::new();
                        match self.valid(each, value, at, &mut tried) {
                            Ok(()) => {
                                seen.append(&mut tried);
                                true
                            }
                            Err(problem) => {
                                problems.push(problem);
                                false
                            }
                        }
                    });
                    if !fits {
                        return Err(format!("{at}: none fits: {problems:#?}"));
                    }
                }
                "type" => {
                    let fits = match wanted.as_str() {
                        Some("integer") => value.is_u64() || value.is_i64(),
                        Some("number") => value.is_number(),
                        Some("string") => value.is_string(),
                        Some("boolean") => value.is_boolean(),
                        Some("array") => value.is_array(),
                        Some("object") => value.is_object(),
                        Some("null") => value.is_null(),
                        _ => false,
                    };
                    if !fits {
                        return wrong("type");
                    }
                }
                "const" if wanted != value => return wrong("const"),
                "const" => {}
                "enum" if !wanted.as_array().is_some_and(|all| all.contains(value)) => return wrong("enum"),
                "enum" => {}
                "minimum" if value.as_f64() < wanted.as_f64() => return wrong("minimum"),
                "minimum" => {}
                "pattern" => {
                    let text = value.as_str().unwrap_or_default();
                    let fits = match wanted.as_str() {
                        Some("^[a-z0-9_]+\\..+$") => text.split_once('.').is_some_and(|(kind, name)| {
                            let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
                            !kind.is_empty() && !name.is_empty() && kind.chars().all(word)
                        }),
                        Some("^sha256:[0-9a-f]{64}$") => text.strip_prefix("sha256:").is_some_and(|hex| {
                            hex.len() == 64 && hex.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f'))
                        }),
                        other => panic!("the pattern {other:?} is not understood here"),
                    };
                    if !fits {
                        return wrong("pattern");
                    }
                }
                "required" => {
                    for key in wanted.as_array().expect("a list") {
                        if value.get(key.as_str().expect("a name")).is_none() {
                            return Err(format!("{at}: {key} is missing in {value}"));
                        }
                    }
                }
                "properties" => self.properties(fields, value, at, seen)?,
                "additionalProperties" if fields.contains_key("properties") => {}
                "additionalProperties" if wanted.is_boolean() => {}
                "additionalProperties" => {
                    for each in value.as_object().into_iter().flat_map(Map::values) {
                        self.valid(wanted, each, at, seen)?;
                    }
                }
                "items" => {
                    for each in value.as_array().into_iter().flatten() {
                        self.valid(wanted, each, at, seen)?;
                    }
                }
                other => panic!("`{other}` is not understood here"),
            }
        }
        Ok(())
    }

    fn properties(
        &self,
        fields: &Map<String, Value>,
        value: &Value,
        at: &str,
        seen: &mut Seen,
    ) -> Result<(), String> {
        let properties = fields["properties"].as_object().expect("properties");
        for (key, each) in value.as_object().into_iter().flatten() {
            let Some(property) = properties.get(key) else {
                return Err(format!("{at}: `{key}` is not described"));
            };
            let place = format!("{at}.{key}");
            seen.insert(place.clone());
            self.valid(property, each, &place, seen)?;
        }
        Ok(())
    }

    /// Every property that is described.
    fn described(&self, schema: &Value, at: &str, all: &mut Seen) {
        for (key, property) in schema["properties"].as_object().into_iter().flatten() {
            let place = format!("{at}.{key}");
            all.insert(place.clone());
            self.described(property, &place, all);
        }
        for list in ["anyOf", "allOf"] {
            for each in schema[list].as_array().into_iter().flatten() {
                self.described(each, at, all);
            }
        }
        self.described_if(&schema["items"], at, all);
    }

    fn described_if(&self, schema: &Value, at: &str, all: &mut Seen) {
        if schema.is_object() {
            self.described(schema, at, all);
        }
    }
}

/// Everything that was printed, by the schema that it is to be valid under.
struct Printed(Vec<(&'static str, Value)>);

impl Printed {
    fn add(&mut self, cluster: &Cluster, of: &'static str, words: &[&str]) {
        let ran = cluster.run(&[words, &["--format", "json"]].concat());
        self.take(of, &ran);
    }

    fn take(&mut self, of: &'static str, ran: &Ran) {
        let lines: Vec<&str> = ran.stdout.lines().collect();
        assert!(!lines.is_empty(), "{}", ran.said());
        for line in lines {
            let value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
            self.0.push((of, value));
        }
    }

    fn look(&mut self, cluster: &Cluster) {
        self.add(cluster, "plan", &["plan"]);
        self.add(cluster, "drift", &["plan", "--drift"]);
        self.add(cluster, "status", &["status"]);
        self.add(cluster, "show", &["show"]);
    }
}

/// Documents and events of a cluster's whole life.
fn printed() -> Vec<(&'static str, Value)> {
    let mut all = Printed(Vec::new());
    let fresh = Cluster::sandbox();
    all.add(
        &fresh,
        "plan",
        &["plan", "--free-tier", "hours", "--target", "instance.*"],
    );
    let failing = copy_of(&fresh);
    failing.faults("{ call = \"create_service:reply\", error = \"ServerError\" }");
    all.add(&failing, "plan", &["plan", "--rehearse=false"]);
    all.add(&failing, "events", &["apply", "--yes"]);
    let killed = copy_of(&fresh);
    let mut command = killed.command(&["apply", "--yes"]);
    command.env("SUBAKO_CRASH_AFTER_ENTRY", "16");
    assert_eq!(Ran::of(&mut command).code, None, "it was killed");
    all.look(&killed);
    all.add(&killed, "events", &["recover", "--back", "--yes"]);
    all.add(&fresh, "events", &["apply", "--yes"]);
    all.look(&fresh);
    for words in [
        &["plan", "--destroy", "--exclude", "network.*"][..],
        &["plan", "--replace", "instance.node-0"],
        &["plan", "--max-destroy", "0", "--replace", "service.reply"],
    ] {
        all.add(&fresh, "plan", words);
    }
    let renamed = copy_of(&fresh);
    renamed.edit("name = \"node\"", "name = \"arm\"");
    renamed.edit(
        "[sim]",
        "[[moved]]\nfrom = \"pool.node\"\nto = \"pool.arm\"\n\n[sim]",
    );
    all.add(&renamed, "plan", &["plan"]);
    let parked = copy_of(&fresh);
    all.add(&parked, "events", &["park", "--yes"]);
    all.add(&parked, "status", &["status"]);
    all.add(&parked, "drift", &["plan", "--drift"]);
    let kept = copy_of(&Cluster::sandbox());
    kept.edit("image = \"alpine\"", "image = \"alpine\"\nprotect = true");
    kept.faults("{ call = \"run_instance:node-1\", error = \"InsufficientInstanceCapacity\", times = 9 }");
    all.add(&kept, "events", &["apply", "--yes", "--on-failure", "keep"]);
    all.look(&kept);
    kept.faults("");
    kept.apply().expect(0);
    kept.run(&["apply", "--yes", "--replace", "instance.node-0"])
        .expect(0);
    all.look(&kept);
    kept.write(&kept.text().replace("\"t2.micro\"", "\"t3.micro\""));
    all.add(&kept, "plan", &["plan"]);
    kept.edit("name = \"node\"", "name = \"arm\"");
    kept.write(&kept.text().replace("\"t3.micro\"", "\"t2.micro\""));
    all.add(&kept, "plan", &["plan"]);
    fresh.run(&["sim", "scale", "reply", "2"]).expect(0);
    fresh.run(&["sim", "tag", "node-1", "Unit=Other"]).expect(0);
    fresh.run(&["sim", "terminate-instance", "node-0"]).expect(0);
    all.look(&fresh);
    all.add(&fresh, "events", &["destroy", "--yes"]);
    all.look(&fresh);
    all.0
}

/// Described, and in nothing that is printed here: services that take their time, hosts that do not
/// answer, a rollback that is not clean, signals, rehearsals that fail, CI, verbs that print no plan.
const ELSEWHERE: [&str; 39] = [
    "drift.not_converged.address",
    "drift.not_converged.rollout",
    "drift.not_converged.running",
    "drift.not_converged.wanted",
    "drift.unreadable.addresses",
    "drift.unreadable.why",
    "events.differs.address",
    "events.differs.by",
    "events.differs.changes",
    "events.differs.changes.after",
    "events.differs.changes.before",
    "events.differs.changes.cost",
    "events.differs.changes.forces_replacement",
    "events.differs.changes.path",
    "events.differs.how",
    "events.holder",
    "events.in_flight",
    "events.signal",
    "events.unchecked.address",
    "events.unchecked.why",
    "failed_step.action",
    "failed_step.address",
    "failed_step.after_ms",
    "failed_step.cause",
    "failed_step.hint",
    "failure.next",
    "failure.output",
    "finding.next",
    "holder.run_url",
    "holder.user",
    "plan.purpose",
    "rehearsal.rehearsed.assumed",
    "rehearsal.rehearsed.failed",
    "show.resources.deposed",
    "status.services.rollout",
    "status.services.skew",
    "status.services.skew.fewest",
    "status.services.skew.most",
    "stray.protected",
];

#[test]
fn everything_that_is_printed_is_described_and_everything_described_is_printed() {
    let schemas: Vec<(&str, Value)> = DOCUMENTS.map(|of| (of, schema(of))).to_vec();
    let (mut seen, mut described) = (Seen::new(), Seen::new());
    for (of, schema) in &schemas {
        let validator = Validator { root: schema };
        validator.described(schema, of, &mut described);
        for (name, definition) in schema["definitions"].as_object().expect("definitions") {
            validator.described(definition, name, &mut described);
        }
    }
    for (of, value) in printed() {
        let (_, schema) = schemas.iter().find(|(name, _)| *name == of).expect("a schema");
        let validator = Validator { root: schema };
        if let Err(problem) = validator.valid(schema, &value, of, &mut seen) {
            panic!("{of}: {problem}\n{value:#}");
        }
    }
    let unseen: Vec<&str> = described.difference(&seen).map(String::as_str).collect();
    assert_eq!(unseen, ELSEWHERE, "described, and nothing has it");
}

#[test]
fn a_document_that_is_not_as_described_is_found() {
    let plan = Cluster::sandbox()
        .run(&["plan", "--format", "json"])
        .expect(0)
        .json();
    let schema = schema("plan");
    let validator = Validator { root: &schema };
    let valid = |value: &Value| validator.valid(&schema, value, "plan", &mut Seen::new());
    valid(&plan).expect("valid");
    type Edit = fn(&mut Value);
    let edits: [Edit; 6] = [
        |plan| plan["format_version"] = 2.into(),
        |plan| plan["more"] = true.into(),
        |plan| plan["steps"][0]["action"] = "taint".into(),
        |plan| plan["steps"][0]["address"] = "web".into(),
        |plan| plan["summary"]["create"] = (-1).into(),
        |plan| {
            plan.as_object_mut().expect("an object").remove("digest");
        },
    ];
    for (number, edit) in edits.into_iter().enumerate() {
        let mut other = plan.clone();
        edit(&mut other);
        assert!(valid(&other).is_err(), "edit {number}");
    }
}
