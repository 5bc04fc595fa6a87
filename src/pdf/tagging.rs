//! A new field in a tagged document: a structure element for its widget, so that
//! who reads by ear hears of it (ISO 32000-2 §14.7.5.3, ISO 14289-1 §7.18).

use crate::error::Error;
use crate::pdf::object::Dictionary;
use crate::pdf::object::Object;
use crate::pdf::object::Reference;
use crate::pdf::update::Update;

/// Nesting of the parent tree.
const DEEPEST: usize = 32;

/// Gives the widget its place in the structure; returns its `/StructParent`.
///
/// Nothing is done where the document is not tagged, where the structure is
/// not as it should be, or where a signature stands already: the structure
/// tree may not change under one, and its validity is worth more.
pub(super) fn tag(
    update: &mut Update<'_>,
    widget: Reference,
    page: Reference,
    name: &str,
) -> Result<Option<i64>, Error> {
    let latest = update.pdf().latest();
    let catalog = update.dictionary(latest.root()?)?;
    let Some(root) = catalog.get("StructTreeRoot").and_then(Object::as_reference) else { return Ok(None) };
    let Some(mut tree) = update.object(root)?.as_dictionary().cloned() else { return Ok(None) };
    for field in latest.fields()?.0 {
        if field.is_signature() && !latest.resolve(&field.value)?.is_null() {
            return Ok(None);
        }
    }
    let Some(key) = next_key(update, &tree)? else { return Ok(None) };
    let parent = container(update, root, &tree)?;
    let object = Dictionary::new().with("Type", Object::name("OBJR")).with("Obj", widget).with("Pg", page);
    let element = update.add(
        Dictionary::new()
            .with("Type", Object::name("StructElem"))
            .with("S", Object::name("Form"))
            .with("P", parent)
            .with("Pg", page)
            .with("Alt", Object::text(name))
            .with("K", object),
    )?;
    add_to_parent_tree(update, &mut tree, key, element)?;
    tree.set("ParentTreeNextKey", key.saturating_add(1));
    if parent == root {
        add_kid(update, &mut tree, element)?;
    } else {
        let mut dictionary = update.dictionary(parent)?;
        add_kid(update, &mut dictionary, element)?;
        update.set(parent, dictionary)?;
    }
    update.set(root, tree)?;
    Ok(Some(key))
}

/// The one element that holds the document, where there is one; else the root.
fn container(update: &Update<'_>, root: Reference, tree: &Dictionary) -> Result<Reference, Error> {
    let kids = update.resolve(tree.get("K").unwrap_or(&Object::Null))?;
    let only = match (tree.get("K"), kids.as_array()) {
        (_, Some([only])) => only.as_reference(),
        (_, Some(_)) => None,
        (direct, None) => direct.and_then(Object::as_reference),
    };
    let Some(only) = only else { return Ok(root) };
    let element = update.object(only)?;
    Ok(if element.as_dictionary().is_some_and(|e| e.get("S").is_some()) { only } else { root })
}

fn add_kid(update: &mut Update<'_>, holder: &mut Dictionary, element: Reference) -> Result<(), Error> {
    let current = holder.get("K").cloned().unwrap_or(Object::Null);
    let kids = match &*update.resolve(&current)? {
        Object::Null => element.into(),
        Object::Array(kids) => kids.iter().cloned().chain([element.into()]).collect::<Vec<_>>().into(),
        _ => Object::Array(vec![current.clone(), element.into()]),
    };
    match current {
        // Only the array changes, where it is an object of its own.
        Object::Reference(id) if matches!(&*update.object(id)?, Object::Array(_)) => update.set(id, kids),
        _ => {
            holder.set("K", kids);
            Ok(())
        }
    }
}

/// The next free key; `None` where the tree does not tell.
fn next_key(update: &Update<'_>, tree: &Dictionary) -> Result<Option<i64>, Error> {
    let mut node = update.resolve(tree.get("ParentTree").unwrap_or(&Object::Null))?;
    let told = update.resolve(tree.get("ParentTreeNextKey").unwrap_or(&Object::Null))?.as_integer();
    for _ in 0..DEEPEST {
        let Some(dictionary) = node.as_dictionary() else { return Ok(node.is_null().then_some(0)) };
        let kids = update.resolve(dictionary.get("Kids").unwrap_or(&Object::Null))?;
        if let Some(last) = kids.as_array().and_then(<[Object]>::last) {
            node = update.resolve(last)?;
            continue;
        }
        let numbers = update.resolve(dictionary.get("Nums").unwrap_or(&Object::Null))?;
        let numbers = numbers.as_array().unwrap_or_default();
        let last = match numbers.len().checked_sub(2).and_then(|index| numbers.get(index)) {
            Some(last) => update.resolve(last)?.as_integer(),
            None => Some(-1),
        };
        let free = last.and_then(|last| last.checked_add(1)).filter(|free| *free >= 0);
        return Ok(free.map(|free| told.unwrap_or(0).max(free)));
    }
    Ok(None)
}

fn add_to_parent_tree(
    update: &mut Update<'_>,
    tree: &mut Dictionary,
    key: i64,
    element: Reference,
) -> Result<(), Error> {
    let entry = [Object::Integer(key), element.into()];
    let current = tree.get("ParentTree").cloned().unwrap_or(Object::Null);
    let mut node = update.resolve(&current)?.as_dictionary().cloned().unwrap_or_default();
    let kids = update.resolve(node.get("Kids").unwrap_or(&Object::Null))?;
    if let Some(kids) = kids.as_array() {
        let limits = vec![Object::Integer(key), Object::Integer(key)];
        let leaf = update.add(Dictionary::new().with("Limits", limits).with("Nums", entry.to_vec()))?;
        node.set("Kids", kids.iter().cloned().chain([leaf.into()]).collect::<Vec<_>>());
    } else {
        let numbers = update.resolve(node.get("Nums").unwrap_or(&Object::Null))?;
        let numbers = numbers.as_array().unwrap_or_default();
        node.set("Nums", numbers.iter().cloned().chain(entry).collect::<Vec<_>>());
    }
    match current {
        Object::Reference(id) => update.set(id, node),
        _ => {
            tree.set("ParentTree", node);
            Ok(())
        }
    }
}
