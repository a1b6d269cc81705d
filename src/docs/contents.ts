/** A page of the documentation: Markdown in this folder, and where it stands below `/docs`. */
export interface Page {
  /** Its file, from this folder. */
  file: string;
  /** Its address. */
  path: string;
  /** As the list of pages names it. */
  name: string;
}

export interface Chapter {
  name: string;
  pages: readonly Page[];
}

/** Where the documentation stands. */
export const DOCS_PATH = '/docs';

/** The search, its index among the assets, and where in its page the Worker puts what was found. */
export const SEARCH_PATH = `${DOCS_PATH}/search`;
export const SEARCH_INDEX = '/docs-assets/search.json';
export const RESULTS = '<!-- results -->';

/** The API references are pages of their own, made in the browser (reference.ts). */
export const REFERENCES: readonly Omit<Page, 'file'>[] = [
  { path: `${DOCS_PATH}/api`, name: 'API reference' },
  { path: `${DOCS_PATH}/platform`, name: "Operator's API" },
];

const page = (file: string, name: string): Page => {
  const slug = file.replace(/\.md$/, '').replace(/(^|\/)index$/, '');
  return { file, name, path: slug === '' ? DOCS_PATH : `${DOCS_PATH}/${slug}` };
};

/** Every page, in the order in which somebody reads them. */
export const CHAPTERS: readonly Chapter[] = [
  { name: 'Start', pages: [page('index.md', 'Overview')] },
  {
    name: 'Webhooks',
    pages: [
      page('webhooks/index.md', 'Set up a webhook'),
      page('webhooks/payload.md', 'What you get'),
      page('webhooks/headers.md', 'Headers'),
      page('webhooks/verifying.md', 'Verify signatures'),
      page('webhooks/retries.md', 'Success and retries'),
      page('webhooks/duplicates-and-order.md', 'Duplicates and order'),
      page('webhooks/best-practices.md', 'Best practices, debugging'),
      page('webhooks/missing-leads.md', 'Why a lead is missing'),
      page('webhooks/firewalls.md', 'Cloudflare and firewalls'),
      page('webhooks/rotating-secrets.md', 'Rotate a secret'),
      page('webhooks/testing.md', 'Test on your machine'),
      page('webhooks/alerts.md', 'Get told of problems'),
      page('webhooks/personal-data.md', 'Personal data'),
      page('webhooks/limits.md', 'Limits, changes, help'),
    ],
  },
  {
    name: 'Choose what is sent',
    pages: [page('filters-and-formats.md', 'Filters and formats'), page('recipes.md', 'Recipes')],
  },
  {
    name: 'Use the API',
    pages: [
      page('using-the-api.md', 'The API by example'),
      page('when-an-endpoint-breaks.md', 'When an endpoint breaks'),
      page('errors.md', 'Errors and limits of the API'),
      page('routes.md', 'Every route'),
      page('audit-log.md', 'Audit log and sessions'),
    ],
  },
  { name: 'For producers', pages: [page('posting-events.md', 'Posting events')] },
];

export const PAGES: readonly Page[] = CHAPTERS.flatMap(({ pages }) => pages);
