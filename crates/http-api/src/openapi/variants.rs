//! Bodies of which only some members go together: one schema for each way to write them.

use serde_json::json;
use utoipa::openapi::{Components, Object, ObjectBuilder, OneOfBuilder, RefOr, Schema, Type, schema::SchemaType};

/// One way to write a body: what must be there, and what must not.
struct Way {
    title: &'static str,
    given: &'static [&'static str],
    left_out: &'static [&'static str],
}

const CREDENTIALS: [Way; 2] = [
    Way { title: "With a client secret", given: &["clientSecret"], left_out: &["certificate"] },
    Way { title: "With a certificate", given: &["certificate"], left_out: &["clientSecret", "clientSecretExpiresAt"] },
];
const APPROVALS: [Way; 3] = [
    Way { title: "The whole plan", given: &[], left_out: &["changes", "except"] },
    Way { title: "Some changes", given: &["changes"], left_out: &["except"] },
    Way { title: "All changes but some", given: &["except"], left_out: &["changes"] },
];

/// Replaces the bodies that a derived schema cannot describe.
pub(super) fn spell_out(components: &mut Components) {
    for (name, ways) in [("Registration", &CREDENTIALS[..]), ("Credential", &CREDENTIALS), ("Approval", &APPROVALS)] {
        if let Some(RefOr::T(Schema::Object(whole))) = components.schemas.get(name).cloned() {
            let ways = ways.iter().fold(OneOfBuilder::new(), |all, way| all.item(way.of(&whole)));
            let spelt_out = ways.description(whole.description);
            components.schemas.insert(name.to_owned(), spelt_out.into());
        }
    }
}

impl Way {
    fn of(&self, whole: &Object) -> Object {
        let mut object = whole.clone();
        object.title = Some(self.title.to_owned());
        object.description = None;
        for name in self.given {
            object.required.push((*name).to_owned());
            if let Some(property) = object.properties.get_mut(*name) {
                not_null(property);
            }
        }
        for name in self.left_out {
            let nothing = ObjectBuilder::new().schema_type(SchemaType::new(Type::Null));
            object.properties.insert((*name).to_owned(), nothing.into());
        }
        if let Some(federated) = object.properties.get_mut("federatedToken") {
            *federated = not_federated().into();
        }
        object
    }
}

/// The one federated token of a server is its operator's to give, over the command line.
fn not_federated() -> ObjectBuilder {
    let no = ObjectBuilder::new().schema_type(SchemaType::from_iter([Type::Boolean, Type::Null]));
    no.description(Some("Only with `directoryctl`.")).enum_values(Some([json!(false), json!(null)]))
}

/// Takes the null away from a member that may be null. Of a list, no item is given twice.
fn not_null(property: &mut RefOr<Schema>) {
    match property {
        RefOr::T(Schema::OneOf(either)) => {
            let is_null = |item: &RefOr<Schema>| matches!(item, RefOr::T(Schema::Object(object)) if object.schema_type == SchemaType::new(Type::Null));
            either.items.retain(|item| !is_null(item));
        }
        RefOr::T(Schema::Array(array)) => {
            array.schema_type = SchemaType::new(Type::Array);
            array.unique_items = true;
        }
        RefOr::T(_) | RefOr::Ref(_) => {}
    }
}
