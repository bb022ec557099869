// @ts-check
/** Starts Swagger's page on our own OpenAPI document; nothing is asked of another host. */

const box = /** @type {HTMLElement} */ (document.getElementById("docs"));

/** @type {any} */ (window).SwaggerUIBundle({
  url: box.dataset.openapi,
  domNode: box,
  deepLinking: true,
  validatorUrl: null,
  docExpansion: "list",
  defaultModelsExpandDepth: -1,
});
