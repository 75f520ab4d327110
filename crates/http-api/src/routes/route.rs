//! A line of the table of routes.

use actix_web::{FromRequest, Handler, Resource, Responder, http::Method, web};

/// A path and its methods. It remembers them, so that a test can hold the OpenAPI document against the table.
pub(crate) struct Route {
    #[cfg_attr(not(test), expect(dead_code, reason = "for the test"))]
    path: &'static str,
    methods: Vec<Method>,
    resource: Resource,
}

impl Route {
    /// A path without methods.
    pub(crate) fn at(path: &'static str) -> Self {
        Self { path, methods: Vec::new(), resource: web::resource(path) }
    }

    /// The same path, by a pattern that says more than it. Comes first.
    pub(crate) fn matching(self, pattern: &'static str) -> Self {
        Self { resource: web::resource(pattern), ..self }
    }

    /// Whatever has GET has HEAD (RFC 9110 §9.1); the server leaves the body out.
    pub(crate) fn read<F, Args>(self, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.on(Method::GET, handler.clone()).on(Method::HEAD, handler)
    }

    pub(crate) fn post<F, Args>(self, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.on(Method::POST, handler)
    }

    pub(crate) fn put<F, Args>(self, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.on(Method::PUT, handler)
    }

    pub(crate) fn patch<F, Args>(self, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.on(Method::PATCH, handler)
    }

    pub(crate) fn delete<F, Args>(self, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.on(Method::DELETE, handler)
    }

    fn on<F, Args>(mut self, method: Method, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.methods.push(method.clone());
        self.resource = self.resource.route(web::method(method).to(handler));
        self
    }

    /// For the server.
    pub(super) fn into_resource(self) -> Resource {
        self.resource
    }

    /// The path, as the OpenAPI document has it.
    #[cfg(test)]
    pub(crate) fn path(&self) -> &'static str {
        self.path
    }

    /// What the path can be asked with.
    #[cfg(test)]
    pub(crate) fn methods(&self) -> &[Method] {
        &self.methods
    }
}
