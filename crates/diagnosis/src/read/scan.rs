//! The first look at a trace: what each span is, by the playbook's vocabularies.

use std::{
    borrow::Cow,
    cell::{OnceCell, RefCell},
    cmp::Reverse,
    rc::Rc,
    sync::Arc,
};

use hashbrown::HashMap;

use super::{operation_ids::OperationIds, request::Request, vocabulary::Vocabulary};
use crate::playbook::{Attr, Playbook, RouteRole, SpanRole, any_fits};
use trace::{SpanIx, SpanKind, SpanRef, StrId, Strings, Trace, Tree, Value};

/// A set of [`SpanRole`]s.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Roles(u16);

impl Roles {
    fn with(self, role: SpanRole) -> Self {
        Self(self.0 | 1 << role as u16)
    }

    pub(crate) fn has(self, role: SpanRole) -> bool {
        self.0 & 1 << role as u16 != 0
    }
}

/// A route that was recognised.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RouteHit<'p> {
    pub(crate) role: RouteRole,
    pub(crate) operation_type: Option<&'p str>,
}

/// What one span is.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SpanClass<'p> {
    pub(crate) roles: Roles,
    pub(crate) route: Option<RouteHit<'p>>,
    /// Noise, a poll, or below one of them.
    pub(crate) folded: bool,
    /// Position in the list of operation ids, if the span carries one.
    pub(crate) operation: Option<u32>,
}

impl SpanClass<'_> {
    pub(crate) fn is(&self, role: SpanRole) -> bool {
        self.roles.has(role)
    }

    pub(crate) fn route_is(&self, role: RouteRole) -> bool {
        self.route.is_some_and(|hit| hit.role == role)
    }
}

/// Says what spans are, for all traces over one table of strings: names and routes recur, so each is looked up once.
pub(crate) struct Classifier<'p> {
    vocabulary: Rc<Vocabulary<'p>>,
    roles: RefCell<HashMap<StrId, Roles>>,
    routes: RefCell<HashMap<(StrId, StrId, StrId), Option<RouteHit<'p>>>>,
}

impl<'p> Classifier<'p> {
    fn new(playbook: &'p Playbook, strings: &Strings) -> Self {
        let vocabulary = Rc::new(Vocabulary::new(playbook, strings));
        Self { vocabulary, roles: RefCell::default(), routes: RefCell::default() }
    }

    fn roles(&self, span: SpanRef<'_>) -> Roles {
        *self
            .roles
            .borrow_mut()
            .entry(span.name_id())
            .or_insert_with(|| self.vocabulary.playbook().span_roles(span.name()).fold(Roles::default(), Roles::with))
    }

    fn route(&self, span: SpanRef<'_>) -> Option<RouteHit<'p>> {
        // Automatic HTTP spans carry their method in the name; nothing else can be a request.
        if !matches!(span.kind(), SpanKind::Client | SpanKind::Server | SpanKind::Unspecified) {
            return None;
        }
        let url = match self.vocabulary.raw_id(span, Attr::HttpUrl) {
            StrId::EMPTY => self.vocabulary.raw_id(span, Attr::HttpTarget),
            url => url,
        };
        let method = self.vocabulary.raw_id(span, Attr::HttpMethod);
        if let Some(hit) = self.routes.borrow().get(&(span.name_id(), method, url)) {
            return *hit;
        }
        let hit = Request::of(span, &self.vocabulary).and_then(|request| {
            let route = self.vocabulary.playbook().route(request.method?, request.path?)?;
            Some(RouteHit { role: route.role, operation_type: route.operation_type.as_deref() })
        });
        self.routes.borrow_mut().insert((span.name_id(), method, url), hit);
        hit
    }
}

/// A trace with its tree and what each span is.
pub(crate) struct Scan<'t, 'p> {
    pub(crate) trace: &'t Trace,
    pub(crate) tree: Tree,
    pub(crate) vocabulary: Rc<Vocabulary<'p>>,
    span_classes: Vec<SpanClass<'p>>,
    depths: OnceCell<Vec<u32>>,
}

impl<'t, 'p> Scan<'t, 'p> {
    /// Looks at every span once; operation ids are added to `ids`.
    pub(crate) fn new(trace: &'t Trace, classifier: &Classifier<'p>, ids: &mut OperationIds<'t>) -> Self {
        let tree = Tree::new(trace);
        let mut span_classes: Vec<SpanClass<'p>> = trace
            .spans()
            .map(|span| SpanClass {
                roles: classifier.roles(span),
                route: classifier.route(span),
                folded: false,
                operation: classifier.vocabulary.text(span, Attr::OperationId).map(|id| ids.number(id)),
            })
            .collect();
        fold(&tree, &mut span_classes);
        Self { trace, tree, vocabulary: Rc::clone(&classifier.vocabulary), span_classes, depths: OnceCell::new() }
    }

    pub(crate) fn span_class(&self, ix: SpanIx) -> SpanClass<'p> {
        self.span_classes.get(ix.index()).copied().unwrap_or_default()
    }

    pub(crate) fn get(&self, span: SpanRef<'t>, attr: Attr) -> Option<Value<'t>> {
        self.vocabulary.get(span, attr)
    }

    pub(crate) fn text(&self, span: SpanRef<'t>, attr: Attr) -> Option<Cow<'t, str>> {
        self.vocabulary.text(span, attr)
    }

    /// Like [`Self::get`], with the key that carries it here.
    pub(crate) fn find(&self, span: SpanRef<'t>, attr: Attr) -> Option<(&'t str, Value<'t>)> {
        self.vocabulary.find(span, attr)
    }

    /// The `nth` word of the playbook on this span, with the key that carries it here.
    pub(crate) fn word(&self, span: SpanRef<'t>, nth: usize) -> Option<(&'t str, Value<'t>)> {
        self.vocabulary.word(span, nth)
    }

    /// The request of a span, if it is one.
    pub(crate) fn request(&self, span: SpanRef<'t>) -> Option<Request<'t>> {
        Request::of(span, &self.vocabulary)
    }

    pub(crate) fn playbook(&self) -> &'p Playbook {
        self.vocabulary.playbook()
    }

    /// How many spans are above a span.
    pub(crate) fn depth(&self, ix: SpanIx) -> u32 {
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
    pub(crate) fn top_down(&self) -> impl Iterator<Item = SpanIx> {
        self.tree.roots().iter().flat_map(|root| self.tree.descendants(*root))
    }

    /// Whether some child of a client span answers it in another service.
    pub(crate) fn callee(&self, client: SpanRef<'t>) -> Option<SpanRef<'t>> {
        let children = self.tree.children(client.ix()).iter().filter_map(|ix| self.trace.span(*ix));
        children.into_iter().find(|child| {
            matches!(child.kind(), SpanKind::Server | SpanKind::Consumer) && child.service_id() != client.service_id()
        })
    }
}

/// Whether some span carries an operation's id, asks for an operation or about one, has a name by which operations are found,
/// or is of a service that the playbook knows by name.
pub(crate) fn holds_vocabulary(traces: &[Trace], playbook: &Playbook) -> bool {
    let mut classifiers: HashMap<*const Strings, Classifier<'_>> = HashMap::new();
    traces.iter().any(|trace| {
        let table = Arc::as_ptr(trace.strings());
        let classifier = classifiers.entry(table).or_insert_with(|| Classifier::new(playbook, trace.strings()));
        trace.spans().any(|span| {
            classifier.vocabulary.get(span, Attr::OperationId).is_some()
                || playbook.services().iter().any(|service| any_fits(&service.names, span.service()))
                || playbook.discovery_spans().iter().any(|name| name == span.name())
                || classifier.route(span).is_some_and(|hit| !matches!(hit.role, RouteRole::Health | RouteRole::Noise))
        })
    })
}

/// Looks at every trace; one classifier serves all traces of an answer.
pub(crate) fn scan<'t, 'p>(traces: &'t [Trace], playbook: &'p Playbook) -> (Vec<Scan<'t, 'p>>, OperationIds<'t>) {
    let mut ids = OperationIds::default();
    let mut classifiers: HashMap<*const Strings, Classifier<'p>> = HashMap::new();
    let mut scans = Vec::with_capacity(traces.len());
    // The order in which traces arrive must not matter.
    let mut ordered: Vec<&Trace> = traces.iter().collect();
    // Of several answers about one trace the fullest counts.
    ordered.sort_by_key(|trace| (trace.id(), Reverse(trace.len()), trace.start()));
    ordered.dedup_by_key(|trace| trace.id());
    ordered.sort_by_key(|trace| (trace.start(), trace.id()));
    for trace in ordered {
        let table = Arc::as_ptr(trace.strings());
        let classifier = classifiers.entry(table).or_insert_with(|| Classifier::new(playbook, trace.strings()));
        scans.push(Scan::new(trace, classifier, &mut ids));
    }
    (scans, ids)
}

/// Noise and polls take everything below them along, except spans that carry an operation's id.
fn fold(tree: &Tree, span_classes: &mut [SpanClass<'_>]) {
    for root in tree.roots() {
        for ix in tree.descendants(*root) {
            let above = tree.parent(ix).and_then(|parent| span_classes.get(parent.index())).is_some_and(|s| s.folded);
            let Some(span_class) = span_classes.get_mut(ix.index()) else { continue };
            let noisy = span_class.is(SpanRole::Noise)
                || span_class
                    .route
                    .is_some_and(|hit| matches!(hit.role, RouteRole::Poll | RouteRole::Health | RouteRole::Noise));
            span_class.folded = (above || noisy) && span_class.operation.is_none();
        }
    }
}
