//! What another reader shows and a signer doesn't see: annotations that a reader has to make up an appearance for, or that
//! are printed and not shown, and layers that may be off (ISO 32000-2, 8.11, 12.5).
//!
//! Signers see images. Until annotations are drawn into the page and layers fixed, what an image may lack is refused.

use std::collections::HashSet;

use super::{Kind, Place, Walk};
use crate::pdf::error::Error;
use crate::pdf::object::{Dict, Object, Ref};
use crate::pdf::source::ReadAt;

/// Field nodes above a widget that are looked at for what it inherits.
const PARENTS_MAX: usize = 32;

// Flags of annotations (table 167) and of push buttons (table 229).
const HIDDEN: i64 = 1 << 1;
const PRINT: i64 = 1 << 2;
const NO_VIEW: i64 = 1 << 5;
const TOGGLE_NO_VIEW: i64 = 1 << 8;
const PUSH_BUTTON: i64 = 1 << 16;

impl<R: ReadAt> Walk<'_, R> {
    /// An annotation that hangs on a page.
    pub(super) fn unseen_annotation(&mut self, dict: &Dict, place: Place) -> Result<(), Error> {
        if place.page.is_none() || !self.has_area(dict)? {
            return Ok(());
        }
        let subtype = self.document.value(dict, "Subtype")?;
        let Some(subtype) = subtype.as_name() else {
            return Ok(());
        };
        let flags = self.document.value(dict, "F")?.as_int().unwrap_or(0);
        // A link has no text; a pop-up shows only what its annotation says, when asked.
        if flags & HIDDEN != 0 || *subtype == "Link" || *subtype == "Popup" {
            return Ok(());
        }
        let has_appearance = self.has_appearance(dict, *subtype == "Widget")?;
        if !has_appearance && *subtype == "Widget" && !self.says_something(dict)? {
            return Ok(());
        }
        if flags & NO_VIEW != 0 {
            if flags & (PRINT | TOGGLE_NO_VIEW) != 0 {
                let detail = format!("an annotation {subtype} that is printed and not shown");
                self.found(Kind::UnseenAnnotation, detail, place);
            }
        } else if !has_appearance {
            let detail = format!("an annotation {subtype} without an appearance");
            self.found(Kind::UnseenAnnotation, detail, place);
        }
        Ok(())
    }

    fn has_area(&self, dict: &Dict) -> Result<bool, Error> {
        let rect = self.document.value(dict, "Rect")?;
        let mut numbers = Vec::new();
        for number in rect.as_array().unwrap_or_default().iter().take(4) {
            numbers.push(self.document.resolve(number)?.as_number().unwrap_or(0.0));
        }
        Ok(matches!(numbers.as_slice(), [a, b, c, d] if a != c && b != d))
    }

    /// `/AP /N`: a form, or forms by state. Of a widget no state has to be chosen: it is then off.
    fn has_appearance(&self, dict: &Dict, is_widget: bool) -> Result<bool, Error> {
        let appearance = self.document.value(dict, "AP")?;
        let Some(appearance) = appearance.as_dict() else {
            return Ok(false);
        };
        Ok(match &*self.document.value(appearance, "N")? {
            Object::Stream(_) => true,
            Object::Dict(states) if is_widget => !states.is_empty(),
            Object::Dict(states) => match self.document.value(dict, "AS")?.as_name() {
                Some(state) => states.has(state.as_bytes()),
                None => false,
            },
            _ => false,
        })
    }

    /// Whether a reader that makes up the widget's appearance would draw anything: a value, a background, a border, a caption.
    fn says_something(&self, widget: &Dict) -> Result<bool, Error> {
        let characteristics = self.document.value(widget, "MK")?;
        if let Some(mk) = characteristics.as_dict() {
            for colour in ["BG", "BC"] {
                if self.is_filled(mk, colour)? {
                    return Ok(true);
                }
            }
            let flags = self.inherited(widget, "Ff")?.as_int().unwrap_or(0);
            if flags & PUSH_BUTTON != 0 && (mk.has("CA") || mk.has("I")) {
                return Ok(true);
            }
        }
        Ok(match self.inherited(widget, "V")? {
            Object::Null => false,
            Object::String(text) => !matches!(text.as_slice(), [] | [0xFE, 0xFF]),
            Object::Array(values) => !values.is_empty(),
            Object::Name(state) => state != "Off",
            _ => true,
        })
    }

    /// An attribute of a field, which may stand in a node above it (12.7.4.1).
    fn inherited(&self, field: &Dict, key: &str) -> Result<Object, Error> {
        let mut node = field.clone();
        for _ in 0..PARENTS_MAX {
            let value = self.document.value(&node, key)?.into_owned();
            if !value.is_null() {
                return Ok(value);
            }
            let parent = self.document.value(&node, "Parent")?.into_owned();
            let Object::Dict(parent) = parent else {
                break;
            };
            node = parent;
        }
        Ok(Object::Null)
    }

    /// The catalog's layers: all must be on, for the screen, for paper and for whoever looks (8.11.4).
    pub(super) fn layers(&mut self, catalog: &Dict, place: Place) -> Result<(), Error> {
        let document = self.document;
        let properties = document.value(catalog, "OCProperties")?;
        let Some(properties) = properties.as_dict() else {
            return Ok(());
        };
        let config = document.value(properties, "D")?;
        let Some(config) = config.as_dict() else {
            return Ok(());
        };
        let mut off: HashSet<Ref> = HashSet::new();
        if document.value(config, "BaseState")?.is_name("OFF") {
            off.extend(self.references(properties, "OCGs")?);
        }
        for layer in self.references(config, "ON")? {
            off.remove(&layer);
        }
        off.extend(self.references(config, "OFF")?);
        if !off.is_empty() {
            let detail = format!("{} of the layers, off by default,", off.len());
            self.found(Kind::HiddenLayer, detail, place);
        }
        let usages = document.value(config, "AS")?;
        for usage in usages.as_array().unwrap_or_default() {
            let usage = document.resolve(usage)?;
            let Some(usage) = usage.as_dict() else {
                continue;
            };
            let categories = document.value(usage, "Category")?.into_owned();
            for layer in self.references(usage, "OCGs")? {
                if self.is_switched(layer, &categories)? {
                    let detail = "a layer that is switched by its use";
                    self.found(Kind::HiddenLayer, detail, place);
                }
            }
        }
        Ok(())
    }

    fn references(&self, dict: &Dict, key: &str) -> Result<Vec<Ref>, Error> {
        let list = self.document.value(dict, key)?;
        let items = list.as_array().unwrap_or_default();
        Ok(items.iter().filter_map(Object::as_reference).collect())
    }

    /// Whether one of the categories of its `/Usage` may switch the layer off (table 100).
    fn is_switched(&self, layer: Ref, categories: &Object) -> Result<bool, Error> {
        let Object::Dict(layer) = self.document.get(layer)? else {
            return Ok(false);
        };
        let usage = self.document.value(&layer, "Usage")?;
        let Some(usage) = usage.as_dict() else {
            return Ok(false);
        };
        for category in categories.as_array().unwrap_or_default() {
            let category = self.document.resolve(category)?;
            let Some(name) = category.as_name() else {
                continue;
            };
            let state = match name.as_bytes() {
                b"View" => "ViewState",
                b"Print" => "PrintState",
                b"Export" => "ExportState",
                b"Zoom" | b"User" | b"Language" if usage.has(name.as_bytes()) => return Ok(true),
                _ => continue,
            };
            if let Object::Dict(use_of) = &*self
                .document
                .value(usage, &String::from_utf8_lossy(name.as_bytes()))?
                && self.document.value(use_of, state)?.is_name("OFF")
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// A membership dictionary that shows something where layers are off, or by an expression that not all readers know.
    pub(super) fn layer_membership(&mut self, dict: &Dict, place: Place) -> Result<(), Error> {
        let policy = self.document.value(dict, "P")?;
        let inverted = policy.is_name("AllOff") || policy.is_name("AnyOff");
        if inverted || self.is_filled(dict, "VE")? {
            self.found(
                Kind::HiddenLayer,
                "a layer membership that is not \"on\"",
                place,
            );
        }
        Ok(())
    }
}
