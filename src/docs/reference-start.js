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
  // Without `servers`, which would be a list of one: this service.
  return { ...whole, servers: undefined, paths, webhooks, tags: whole.tags.filter(({ name }) => used.has(name)) };
}

/**
 * A layout of its own: that of the renderer has a `main` within it, and headings that begin at the third level. And the path in the button that
 * opens an operation is no link: the address in the browser follows what is opened without it.
 */
function accessible({ React }) {
  const h = React.createElement;
  const ReferenceLayout = ({ getComponent }) => {
    const [Row, Col] = [getComponent('Row'), getComponent('Col')];
    const row = (className, part) => h(Row, { className }, h(Col, { mobile: 12 }, h(part)));
    return h(
      'div',
      { className: 'swagger-ui' },
      h(getComponent('SvgAssets')),
      row('information-container', getComponent('InfoContainer', true)),
      h('h2', { className: 'visually-hidden' }, 'Operations'),
      h(
        'div',
        { className: 'scheme-container' },
        h('div', { className: 'schemes wrapper' }, h(getComponent('AuthorizeBtnContainer', true))),
      ),
      h(getComponent('FilterContainer', true)),
      row('', getComponent('operations', true)),
      row('webhooks-container', getComponent('Webhooks', true)),
    );
  };
  const PlainText = ({ text }) => h('span', null, text);
  return { components: { ReferenceLayout }, wrapComponents: { DeepLink: () => PlainText } };
}

/** Names for controls that have none, by selector. */
const NAMES = {
  '.examples-select-element': 'Example',
  '.body-param__text': 'Request body',
  '.close-modal': 'Close',
};

/** Names what has no name, and lets the keyboard into what scrolls: the renderer draws as somebody opens things. */
function complete(place) {
  for (const [selector, name] of Object.entries(NAMES))
    for (const control of place.querySelectorAll(`${selector}:not([aria-label])`)) control.setAttribute('aria-label', name);
  for (const code of place.querySelectorAll('pre.microlight:not([tabindex])')) code.setAttribute('tabindex', '0');
  // Where it differs from the text, who speaks to their computer cannot press the button.
  for (const button of place.querySelectorAll('.modal-btn[aria-label]')) button.removeAttribute('aria-label');
}

async function show() {
  const place = document.querySelector('#reference');
  const answer = await fetch('/openapi.json');
  new MutationObserver(() => complete(place)).observe(place, { childList: true, subtree: true });
  globalThis.SwaggerUIBundle({
    spec: descriptionFor(place.dataset.for, await answer.json()),
    domNode: place,
    deepLinking: true,
    filter: true,
    docExpansion: 'list',
    defaultModelsExpandDepth: -1,
    // Of its themes for code one whose colours can be read on its background.
    syntaxHighlight: { theme: 'tomorrow-night' },
    plugins: [accessible],
    layout: 'ReferenceLayout',
    // A key stays in this browser's tab, and goes nowhere but to this service.
    persistAuthorization: false,
    // The badge would send the document's address to a validator on the internet.
    validatorUrl: null,
  });
}

follow();
dark.addEventListener('change', follow);
await show();
