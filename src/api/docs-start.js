/*
 * Starts the API reference in the browser (`/docs`). A file of its own, because the page's Content-Security-Policy admits
 * scripts from this origin only and none inline. Copied to the assets by commands/assets.ts.
 */
globalThis.addEventListener('DOMContentLoaded', () => {
  globalThis.SwaggerUIBundle({
    url: '/openapi.json',
    dom_id: '#docs',
    deepLinking: true,
    // The badge would send the document's address to a validator on the internet.
    validatorUrl: null,
  });
});
