//! The first look at a trace: what each span is, by the playbook's vocabularies.

use std::{
    borrow::Cow,
    cell::{OnceCell, RefCell},
};

use hashbrown::HashMap;

use super::http::Request;
use crate::{
    playbook::{Attr, Playbook, RouteRole, SpanRole},
    trace::{Attribute, SpanIx, SpanKind, SpanRef, StrId, Strings, Trace, Tree, Value},
};

/// A set of [`SpanRole`]s.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Roles(u16);

impl Roles {
    fn with(self, role: SpanRole) -> Self {
        Self(self.0 | 1 << role as u16)
    }

    pub(super) fn has(self, role: SpanRole) -> bool {
        self.0 & 1 << role as u16 != 0
    }
}

/// A route that was recognised.
#[derive(Clone, Copy, Debug)]
pub(super) struct RouteHit<'p> {
    pub(super) role: RouteRole,
    pub(super) operation_type: Option<&'p str>,
}

/// What one span is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sight<'p> {
    pub(super) roles: Roles,
    pub(super) route: Option<RouteHit<'p>>,
    /// Noise, a poll, or below one of them.
    pub(super) folded: bool,
    /// Position in the list of operation ids, if the span carries one.
    pub(super) operation: Option<u32>,
}

impl Sight<'_> {
    pub(super) fn is(&self, role: SpanRole) -> bool {
        self.roles.has(role)
    }

    pub(super) fn route_is(&self, role: RouteRole) -> bool {
        self.route.is_some_and(|hit| hit.role == role)
    }
}

/// The playbook's words as ids of one table of strings.
pub(super) struct Lexicon<'p> {
    playbook: &'p Playbook,
    /// By [`Attr`] as number.
    keys: Vec<Vec<StrId>>,
    /// By position in [`Playbook::words`].
    words: Vec<Vec<StrId>>,
    /// By position in [`Playbook::comparable_by`].
    comparable: Vec<Option<StrId>>,
    roles: RefCell<HashMap<StrId, Roles>>,
    routes: RefCell<HashMap<(StrId, StrId, StrId), Option<RouteHit<'p>>>>,
}

impl<'p> Lexicon<'p> {
    pub(super) fn new(playbook: &'p Playbook, strings: &Strings) -> Self {
        let known = |keys: &[String]| keys.iter().filter_map(|key| strings.find(key)).collect();
        let keys = Attr::ALL.iter().map(|attr| known(playbook.keys(*attr))).collect();
        let words = playbook.words().iter().map(|word| known(&word.keys)).collect();
        let comparable = playbook.comparable_by().iter().map(|key| strings.find(key)).collect();
        Self { playbook, keys, words, comparable, roles: RefCell::default(), routes: RefCell::default() }
    }

    /// The value that means `attr` on this span. The text `None` (a stringified absence) counts as absent.
    pub(super) fn get<'t>(&self, span: SpanRef<'t>, attr: Attr) -> Option<Value<'t>> {
        let keys = self.keys.get(attr as usize)?;
        keys.iter().find_map(|key| span.attribute_by_id(*key)).filter(|value| !is_absent(*value))
    }

    /// Like [`Self::get`], with the key that carries it here.
    pub(super) fn find<'t>(&self, span: SpanRef<'t>, attr: Attr) -> Option<(&'t str, Value<'t>)> {
        first_present(span, self.keys.get(attr as usize)?)
    }

    /// The `nth` word of the playbook on this span, with the key that carries it here.
    pub(super) fn word<'t>(&self, span: SpanRef<'t>, nth: usize) -> Option<(&'t str, Value<'t>)> {
        first_present(span, self.words.get(nth)?)
    }

    /// The value as text; numbers and truth values are read as what they look like.
    pub(super) fn text<'t>(&self, span: SpanRef<'t>, attr: Attr) -> Option<Cow<'t, str>> {
        self.get(span, attr).map(Value::to_text)
    }

    /// The value if it is a text.
    pub(super) fn str<'t>(&self, span: SpanRef<'t>, attr: Attr) -> Option<&'t str> {
        self.get(span, attr).and_then(Value::as_str)
    }

    /// The value of the `nth` attribute that operations are compared by.
    pub(super) fn comparable<'t>(&self, span: SpanRef<'t>, nth: usize) -> Option<Value<'t>> {
        let key = self.comparable.get(nth).copied().flatten()?;
        span.attribute_by_id(key).filter(|value| !is_absent(*value))
    }

    fn raw_id(&self, span: SpanRef<'_>, attr: Attr) -> StrId {
        let raw: &[Attribute] = span.raw_attributes();
        let keys = self.keys.get(attr as usize).map_or(&[][..], Vec::as_slice);
        let found = keys.iter().find_map(|key| raw.iter().find(|a| a.key() == *key));
        found.and_then(|a| a.text_id()).unwrap_or(StrId::EMPTY)
    }

    fn roles(&self, span: SpanRef<'_>) -> Roles {
        *self
            .roles
            .borrow_mut()
            .entry(span.name_id())
            .or_insert_with(|| self.playbook.span_roles(span.name()).fold(Roles::default(), Roles::with))
    }

    fn route(&self, span: SpanRef<'_>) -> Option<RouteHit<'p>> {
        // Automatic HTTP spans carry their method in the name; nothing else can be a request.
        if !matches!(span.kind(), SpanKind::Client | SpanKind::Server | SpanKind::Unspecified) {
            return None;
        }
        let url = match self.raw_id(span, Attr::HttpUrl) {
            StrId::EMPTY => self.raw_id(span, Attr::HttpTarget),
            url => url,
        };
        let method = self.raw_id(span, Attr::HttpMethod);
        if let Some(hit) = self.routes.borrow().get(&(span.name_id(), method, url)) {
            return *hit;
        }
        let hit = Request::of(span, self).and_then(|request| {
            let route = self.playbook.route(request.method?, request.path?)?;
            Some(RouteHit { role: route.role, operation_type: route.operation_type.as_deref() })
        });
        self.routes.borrow_mut().insert((span.name_id(), method, url), hit);
        hit
    }

    pub(super) fn playbook(&self) -> &'p Playbook {
        self.playbook
    }
}

fn first_present<'t>(span: SpanRef<'t>, keys: &[StrId]) -> Option<(&'t str, Value<'t>)> {
    let found = keys.iter().find_map(|key| Some((*key, span.attribute_by_id(*key).filter(|v| !is_absent(*v))?)));
    found.map(|(key, value)| (span.trace().strings().get(key), value))
}

fn is_absent(value: Value<'_>) -> bool {
    matches!(value, Value::Str("" | "None" | "null"))
}

/// A trace with its tree and what each span is.
pub(super) struct Scan<'t, 'p> {
    pub(super) trace: &'t Trace,
    pub(super) tree: Tree,
    pub(super) lexicon: std::rc::Rc<Lexicon<'p>>,
    sights: Vec<Sight<'p>>,
    depths: OnceCell<Vec<u32>>,
}

impl<'t, 'p> Scan<'t, 'p> {
    /// Looks at every span once; operation ids are added to `ids`.
    pub(super) fn new(
        trace: &'t Trace,
        lexicon: std::rc::Rc<Lexicon<'p>>,
        ids: &mut super::find::OperationIds<'t>,
    ) -> Self {
        let tree = Tree::new(trace);
        let mut sights: Vec<Sight<'p>> = trace
            .spans()
            .map(|span| Sight {
                roles: lexicon.roles(span),
                route: lexicon.route(span),
                folded: false,
                operation: lexicon.text(span, Attr::OperationId).map(|id| ids.number(id)),
            })
            .collect();
        fold(&tree, &mut sights);
        Self { trace, tree, lexicon, sights, depths: OnceCell::new() }
    }

    pub(super) fn sight(&self, ix: SpanIx) -> Sight<'p> {
        self.sights.get(ix.index()).copied().unwrap_or_default()
    }

    pub(super) fn get(&self, span: SpanRef<'t>, attr: Attr) -> Option<Value<'t>> {
        self.lexicon.get(span, attr)
    }

    pub(super) fn text(&self, span: SpanRef<'t>, attr: Attr) -> Option<Cow<'t, str>> {
        self.lexicon.text(span, attr)
    }

    /// Like [`Self::get`], with the key that carries it here.
    pub(super) fn find(&self, span: SpanRef<'t>, attr: Attr) -> Option<(&'t str, Value<'t>)> {
        self.lexicon.find(span, attr)
    }

    /// The `nth` word of the playbook on this span, with the key that carries it here.
    pub(super) fn word(&self, span: SpanRef<'t>, nth: usize) -> Option<(&'t str, Value<'t>)> {
        self.lexicon.word(span, nth)
    }

    /// The request of a span, if it is one.
    pub(super) fn request(&self, span: SpanRef<'t>) -> Option<Request<'t>> {
        Request::of(span, &self.lexicon)
    }

    pub(super) fn playbook(&self) -> &'p Playbook {
        self.lexicon.playbook()
    }

    /// How many spans are above a span.
    pub(super) fn depth(&self, ix: SpanIx) -> u32 {
        let depths = self.depths.get_or_init(|| {
            let mut depths = vec![0; self.trace.len()];
            for ix in self.top_down() {
                let above = self.tree.parent(ix).and_then(|parent| depths.get(parent.index()).copied());
                if let (Some(above), Some(slot)) = (above, depths.get_mut(ix.index())) {
                    *slot = above + 1;
                }
            }
            depths
        });
        depths.get(ix.index()).copied().unwrap_or(0)
    }

    /// Spans from the roots down, parents before children.
    pub(super) fn top_down(&self) -> impl Iterator<Item = SpanIx> {
        self.tree.roots().iter().flat_map(|root| self.tree.descendants(*root))
    }

    /// Whether some child of a client span answers it in another service.
    pub(super) fn callee(&self, client: SpanRef<'t>) -> Option<SpanRef<'t>> {
        let children = self.tree.children(client.ix()).iter().filter_map(|ix| self.trace.span(*ix));
        children.into_iter().find(|child| {
            matches!(child.kind(), SpanKind::Server | SpanKind::Consumer) && child.service_id() != client.service_id()
        })
    }
}

/// Noise and polls take everything below them along, except spans that carry an operation's id.
fn fold(tree: &Tree, sights: &mut [Sight<'_>]) {
    for root in tree.roots() {
        for ix in tree.descendants(*root) {
            let above = tree.parent(ix).and_then(|parent| sights.get(parent.index())).is_some_and(|s| s.folded);
            let Some(sight) = sights.get_mut(ix.index()) else { continue };
            let noisy = sight.is(SpanRole::Noise)
                || sight
                    .route
                    .is_some_and(|hit| matches!(hit.role, RouteRole::Poll | RouteRole::Health | RouteRole::Noise));
            sight.folded = (above || noisy) && sight.operation.is_none();
        }
    }
}
