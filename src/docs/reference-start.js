/*
 * Shows the API reference in the browser: `/docs/api` has the routes of customers and producers, `/docs/platform` those that need the
 * platform's key. A file of its own, because the page's Content-Security-Policy admits scripts from this origin only and none inline.
 */

const METHODS = ['get', 'put', 'post', 'patch', 'delete'];
const dark = matchMedia('(prefers-color-scheme: dark)');

function follow() {
  document.documentElement.classList.toggle('dark-mode', dark.matches);
}

/** The description with the operations of one reader alone. What a webhook receives is the customer's. */
function descriptionFor(reader, whole) {
  const isFor = (operation) => (operation['x-audience'] === 'operator') === (reader === 'platform');
  const paths = {};
  for (const [path, operations] of Object.entries(whole.paths)) {
    const kept = Object.entries(operations).filter(([method, operation]) => !METHODS.includes(method) || isFor(operation));
    if (kept.some(([method]) => METHODS.includes(method))) paths[path] = Object.fromEntries(kept);
  }
  const used = new Set(Object.values(paths).flatMap((operations) => Object.values(operations).flatMap(({ tags = [] }) => tags)));
  const webhooks = reader === 'platform' ? {} : whole.webhooks;
  for (const { post } of Object.values(webhooks)) for (const tag of post.tags) used.add(tag);
  return { ...whole, paths, webhooks, tags: whole.tags.filter(({ name }) => used.has(name)) };
}

async function show() {
  const place = document.querySelector('#reference');
  const answer = await fetch('/openapi.json');
  globalThis.SwaggerUIBundle({
    spec: descriptionFor(place.dataset.for, await answer.json()),
    domNode: place,
    deepLinking: true,
    filter: true,
    docExpansion: 'list',
    defaultModelsExpandDepth: -1,
    // A key stays in this browser's tab, and goes nowhere but to this service.
    persistAuthorization: false,
    // The badge would send the document's address to a validator on the internet.
    validatorUrl: null,
  });
}

follow();
dark.addEventListener('change', follow);
await show();
