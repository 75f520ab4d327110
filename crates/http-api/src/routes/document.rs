//! `GET /openapi.json` and `/docs`: what the API is, for programs and for people. Neither needs a token or a network: the
//! page's files are in the binary, and its policy lets it load from nowhere else.

use std::sync::{Arc, LazyLock};

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, CacheControl, CacheDirective, ContentEncoding, ContentType, HeaderValue},
};
use utoipa_swagger_ui::Config;

use crate::{
    openapi::{self, Absent},
    problem::Problem,
};

/// Scripts are files, never text in the page; styles that scripts set, and pictures that are part of a style, are the
/// page's own way. Requests go to this server only, so that no token leaves it.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

static DOCUMENT: LazyLock<Result<String, String>> =
    LazyLock::new(|| openapi::document().to_json().map_err(|error| error.to_string()));

static PAGE: LazyLock<Arc<Config<'static>>> = LazyLock::new(|| {
    let config = Config::from("/openapi.json").use_base_layout().deep_linking(true).display_operation_id(true);
    // Without this the page would send its address to a validator on the internet, which the policy forbids as well.
    Arc::new(config.validator_url("none"))
});

#[utoipa::path(
    get, path = "/openapi.json", operation_id = "getOpenApi", tag = "Service", summary = "This document", security(()),
    responses((status = 200, description = "The OpenAPI document", body = Object)),
)]
pub(crate) async fn openapi() -> Result<HttpResponse, Problem> {
    let document = DOCUMENT.as_ref().map_err(|error| Problem::internal(error.as_str()))?;
    Ok(HttpResponse::Ok().content_type(ContentType::json()).insert_header(revalidate()).body(document.as_str()))
}

#[utoipa::path(
    get, path = "/docs", operation_id = "getDocumentation", tag = "Service", summary = "This document as a page",
    security(()), responses((status = 307, description = "The page is at `/docs/`", headers(("location" = String)))),
)]
pub(crate) async fn page() -> HttpResponse {
    HttpResponse::TemporaryRedirect().insert_header((header::LOCATION, "/docs/")).finish()
}

#[utoipa::path(
    get, path = "/docs/{file}", operation_id = "getDocumentationFile", tag = "Service", summary = "A file of the page",
    security(()), params(("file" = String, Path, description = "Its name", example = "index.html")),
    responses(
        (status = 200, description = "The file, compressed with gzip", content(
            (String = "text/html"), (String = "text/css"), (String = "text/javascript"), (String = "image/png"),
        )),
        Absent,
    ),
)]
pub(crate) async fn file(request: HttpRequest) -> Result<HttpResponse, Problem> {
    let name = request.match_info().query("file");
    let file =
        utoipa_swagger_ui::serve(name, Arc::clone(&PAGE)).map_err(|error| Problem::internal(error.to_string()))?;
    let file = file.ok_or_else(Problem::not_found)?;
    let mut response = HttpResponse::Ok();
    if file.gzpipped {
        response.insert_header(ContentEncoding::Gzip);
    }
    response.insert_header((header::CONTENT_SECURITY_POLICY, POLICY)).insert_header(revalidate());
    Ok(response.content_type(file.content_type).body(file.bytes.into_owned()))
}

/// Another version of the server has another document.
fn revalidate() -> CacheControl {
    CacheControl(vec![CacheDirective::NoCache])
}
