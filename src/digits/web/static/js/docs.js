// Fills /docs: Swagger's own page over our document. A file of its own, because no inline script may run here.
const target = document.getElementById("docs");
window.SwaggerUIBundle({ url: target.dataset.document, dom_id: "#docs", deepLinking: true, validatorUrl: null });
