//! Which keys make what of an object.

/// What an object is, by the key that it hangs on. The order is that of the bits in the walk's `met`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Nothing special.
    Plain,
    Catalog,
    /// The catalog's `/Names`.
    Names,
    /// A node of the tree of named scripts.
    ScriptNames,
    /// A page or a node of the page tree.
    PageNode,
    /// A navigation node (12.4.4.2).
    NavigationNode,
    /// An annotation, a form field, or both in one.
    Annotation,
    /// The interactive form.
    Form,
    OutlineItem,
    /// The catalog's `/OpenAction`: a destination or an action.
    OpenAction,
    /// An action or an array of them.
    Action,
    /// A dictionary whose values are actions.
    Actions,
}

/// The role of what hangs on `key` of a dictionary in `role`.
pub(super) fn child(role: Role, key: &[u8]) -> Role {
    match (role, key) {
        (Role::Catalog, b"OpenAction") => Role::OpenAction,
        (Role::Catalog | Role::PageNode | Role::Annotation, b"AA") => Role::Actions,
        (Role::Catalog, b"Names") => Role::Names,
        (Role::Catalog, b"AcroForm") => Role::Form,
        (Role::Catalog, b"Outlines") => Role::OutlineItem,
        (Role::Catalog, b"Pages") => Role::PageNode,
        (Role::Names, b"JavaScript") | (Role::ScriptNames, b"Kids") => Role::ScriptNames,
        // The odd ones of /Names are strings, the even ones actions.
        (Role::ScriptNames, b"Names") => Role::Action,
        (Role::PageNode, b"Kids" | b"Parent") => Role::PageNode,
        (Role::PageNode, b"Annots") => Role::Annotation,
        (Role::PageNode, b"PresSteps") => Role::NavigationNode,
        (Role::NavigationNode, b"Next" | b"Prev") => Role::NavigationNode,
        (Role::NavigationNode, b"NA" | b"PA") => Role::Action,
        (Role::Annotation, b"A" | b"PA") => Role::Action,
        (Role::Annotation, b"Kids" | b"Parent" | b"Popup" | b"IRT") => Role::Annotation,
        (Role::Form, b"Fields" | b"CO") => Role::Annotation,
        (Role::OutlineItem, b"First" | b"Last" | b"Next" | b"Prev" | b"Parent") => {
            Role::OutlineItem
        }
        (Role::OutlineItem, b"A") => Role::Action,
        (Role::Actions, _) => Role::Action,
        (Role::Action | Role::OpenAction, b"Next") => Role::Action,
        _ => Role::Plain,
    }
}
