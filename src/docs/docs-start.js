/*
 * What a browser adds to the documentation: a search that asks nobody, and buttons that copy. A file of its own, because the pages'
 * Content-Security-Policy admits scripts from this origin only and none inline. Copied to the assets by commands/assets.ts.
 */

/** As commands/docs/guides.ts makes the index. */
const SEARCH_OPTIONS = { fields: ['title', 'page', 'text'], storeFields: ['title', 'page', 'href', 'begin'] };
const SEARCHING = { boost: { title: 4, page: 2 }, prefix: true, fuzzy: (term) => (term.length > 4 ? 0.2 : false), combineWith: 'AND' };
const MOST_RESULTS = 12;

const form = document.querySelector('.search');
const field = document.querySelector('#q');
const results = document.querySelector('.results');
const status = results?.querySelector('[role=status]');
const list = results?.querySelector('ol');

/** Fetched when somebody begins to search. */
let index;
async function readIndex() {
  const answer = await fetch('/docs-assets/search.json');
  if (!answer.ok) throw new Error(`${answer.status}`);
  return globalThis.MiniSearch.loadJSON(await answer.text(), SEARCH_OPTIONS);
}

function entry({ title, page, href, begin }) {
  const item = document.createElement('li');
  const link = document.createElement('a');
  link.href = href;
  link.textContent = title === page ? title : `${page}: ${title}`;
  const text = document.createElement('p');
  text.textContent = begin;
  item.append(link, text);
  return item;
}

async function search() {
  const words = field.value.trim();
  results.hidden = words === '';
  if (words === '') return;
  try {
    index ??= readIndex();
    const found = (await index).search(words, SEARCHING);
    if (field.value.trim() !== words) return;
    list.replaceChildren(...found.slice(0, MOST_RESULTS).map(entry));
    status.textContent = found.length === 0 ? `Nothing was found for “${words}”.` : `${found.length} found for “${words}”`;
  } catch {
    index = undefined;
    list.replaceChildren();
    status.textContent = 'The search could not be loaded. The list of all pages is on each page.';
  }
}

function beginSearch() {
  form.hidden = false;
  field.value = new URLSearchParams(location.search).get('q') ?? '';
  if (field.value) void search();
  field.addEventListener('input', search);
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    await search();
    list.querySelector('a')?.focus();
  });
  document.addEventListener('keydown', (event) => {
    if (event.key === '/' && !/^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement?.tagName ?? '')) {
      event.preventDefault();
      field.focus();
    }
    if (event.key === 'Escape' && !results.hidden) {
      field.value = '';
      results.hidden = true;
      field.focus();
    }
  });
  // A link to a part of the page that is open leads there without loading it.
  list.addEventListener('click', () => {
    results.hidden = true;
  });
}

function addCopyButton(figure) {
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'copy';
  button.textContent = 'Copy';
  button.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(figure.querySelector('code').textContent);
      button.textContent = 'Copied';
    } catch {
      button.textContent = 'Select it and copy';
    }
    setTimeout(() => {
      button.textContent = 'Copy';
    }, 2_000);
  });
  figure.append(button);
}

if (form) beginSearch();
if (navigator.clipboard) document.querySelectorAll('figure.code').forEach(addCopyButton);
