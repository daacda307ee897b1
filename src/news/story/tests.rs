use proptest::prelude::*;
use serde_json::json;

use super::*;

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        other => panic!("{other} is no object"),
    }
}

#[test]
fn a_patch_is_merged_as_rfc_7396_says() {
    // The examples of its appendix A that have an object on both sides.
    for (target, patch, result) in [
        (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
        (json!({"a": "b"}), json!({"b": "c"}), json!({"a": "b", "b": "c"})),
        (json!({"a": "b"}), json!({"a": null}), json!({})),
        (json!({"a": "b", "b": "c"}), json!({"a": null}), json!({"b": "c"})),
        (json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"})),
        (json!({"a": "c"}), json!({"a": ["b"]}), json!({"a": ["b"]})),
        (json!({"a": {"b": "c"}}), json!({"a": {"b": "d", "c": null}}), json!({"a": {"b": "d"}})),
        (json!({"a": [{"b": "c"}]}), json!({"a": [1]}), json!({"a": [1]})),
        (json!({"e": null}), json!({"a": 1}), json!({"e": null, "a": 1})),
        (json!({}), json!({"a": {"bb": {"ccc": null}}}), json!({"a": {"bb": {}}})),
    ] {
        let mut merged = object(target);
        merge(&mut merged, &object(patch));
        assert_eq!(Value::Object(merged), result);
    }
}

/// What, merged into `from`, gives `to`. Nulls inside `to` cannot be said in a merge patch, so it must have none.
fn diff(from: &Map<String, Value>, to: &Map<String, Value>) -> Map<String, Value> {
    let gone = from.keys().filter(|name| !to.contains_key(*name)).map(|name| (name.clone(), Value::Null));
    let differs = |name: &str, value: &Value| from.get(name) != Some(value);
    let new = to.iter().filter(|(name, value)| differs(name, value)).map(|(name, value)| {
        let nested = match (from.get(name), value) {
            (Some(Value::Object(from)), Value::Object(to)) => Value::Object(diff(from, to)),
            _ => value.clone(),
        };
        (name.clone(), nested)
    });
    gone.chain(new).collect()
}

fn any_object() -> impl Strategy<Value = Map<String, Value>> {
    let leaf = prop_oneof![any::<bool>().prop_map(Value::from), any::<u8>().prop_map(Value::from)];
    let value = leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            proptest::collection::btree_map("[a-d]", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    });
    proptest::collection::btree_map("[a-d]", value, 0..4).prop_map(|map| map.into_iter().collect())
}

proptest! {
    #[test]
    fn merging_a_difference_gives_the_other_and_again_nothing(from in any_object(), to in any_object()) {
        let patch = diff(&from, &to);
        let mut merged = from.clone();
        merge(&mut merged, &patch);
        prop_assert_eq!(&merged, &to);
        merge(&mut merged, &patch);
        prop_assert_eq!(&merged, &to);
        merge(&mut merged, &diff(&to, &to));
        prop_assert_eq!(&merged, &to);
    }
}
