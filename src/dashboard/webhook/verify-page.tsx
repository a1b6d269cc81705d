import type { Child } from 'hono/jsx';
import type { WebhookRow } from '../../db/webhooks.ts';
import { Banners } from '../attention/banners.tsx';
import { outlookOf } from '../attention/outlook.ts';
import { paths } from '../frame/paths.ts';
import type { PageContext } from '../frame/visit.ts';
import { CopyButton } from '../parts/copyable.tsx';
import { Recipes } from '../setup/recipe-list.tsx';
import { recipeOf } from '../setup/recipes.ts';
import { rich, t } from '../words/words.tsx';
import { SAMPLES } from './samples.ts';
import { webhookOf, webhookPage } from './webhook-page.tsx';

/** Which of the two signatures a sample checks. */
const HEADERS = { 'webhook-signature': 'verify.aboutStandard', 'X-Bullseye-Signature': 'verify.aboutBody' } as const;
type Header = keyof typeof HEADERS;

/** `GET <webhook>/verify`: how a receiver tells that a delivery is from us; with `for=developers`, the code that does it. */
export async function showVerify(c: PageContext): Promise<Response> {
  const visit = c.get('visit');
  const webhook = webhookOf(c);
  const outlook = await outlookOf(c, webhook);
  const isForDevelopers = c.req.query('for') === 'developers';
  const header: Header = c.req.query('header') === 'X-Bullseye-Signature' ? 'X-Bullseye-Signature' : 'webhook-signature';
  return await webhookPage(
    c,
    { webhook, tab: 'verify', title: t('webhook.tab.signatures'), outlook },
    <>
      <Banners webhook={webhook} visit={visit} outlook={outlook} />
      <nav class="switch" aria-label={t('verify.forWhom')}>
        <a href={paths.webhook(webhook.id, 'verify')} aria-current={isForDevelopers ? undefined : 'true'}>
          {t('verify.forEverybody')}
        </a>
        <a href={paths.webhook(webhook.id, 'verify?for=developers')} aria-current={isForDevelopers ? 'true' : undefined}>
          {t('verify.forDevelopers')}
        </a>
      </nav>
      {isForDevelopers ? <ForDevelopers webhook={webhook} header={header} /> : <ForEverybody webhook={webhook} />}
    </>,
  );
}

function ForEverybody({ webhook }: { webhook: WebhookRow }) {
  return (
    <div class="beside">
      <section class="card prose" aria-labelledby="verify-title">
        <h2 id="verify-title">{t('verify.how')}</h2>
        <p>
          {t('verify.why')} {webhook.secret === null && <strong>{t('verify.noSecret')}</strong>}
        </p>
        <p>{rich('verify.tools', { link: (inner) => <a href={paths.webhook(webhook.id, 'verify?for=developers')}>{inner}</a> })}</p>
      </section>
      <aside>
        <Recipes title={t('verify.whichTools')} open={recipeOf(webhook.url)} />
      </aside>
    </div>
  );
}

const inCode = (inner: Child) => <code>{inner}</code>;

const toStandard = (inner: Child) => (
  <a href="https://www.standardwebhooks.com" target="_blank" rel="noopener noreferrer">
    {inner}
  </a>
);

function ForDevelopers({ webhook, header }: { webhook: WebhookRow; header: Header }) {
  return (
    <>
      <section class="card prose" aria-labelledby="headers-title">
        <h2 id="headers-title">{t('verify.two')}</h2>
        <ul>
          <li>{rich('verify.standard', { code: inCode, link: toStandard })}</li>
          <li>{rich('verify.ofBody', { code: inCode })}</li>
        </ul>
        <p>{rich('verify.care', { code: inCode })}</p>
      </section>
      <section class="card samples" aria-labelledby="samples-title">
        <div class="section-head">
          <h2 id="samples-title">{t('verify.samples')}</h2>
          <nav class="switch" aria-label={t('verify.header')}>
            {Object.keys(HEADERS).map((name) => (
              <a
                href={paths.webhook(webhook.id, `verify?for=developers&header=${name}`)}
                aria-current={name === header ? 'true' : undefined}
              >
                {name}
              </a>
            ))}
          </nav>
        </div>
        <p class="hint">{t(HEADERS[header])}</p>
        {SAMPLES.map(({ key, language, code, bodyCode }, index) => (
          <SampleCode id={key} language={language} code={header === 'webhook-signature' ? code : bodyCode} open={index === 0} />
        ))}
      </section>
    </>
  );
}

/** One is open at a time: the browser sees to that for details of the same name. */
function SampleCode({ id, language, code, open }: { id: string; language: string; code: string; open: boolean }) {
  return (
    <details name="sample" open={open} id={`sample-${id}`}>
      <summary>{language}</summary>
      <div class="with-copy">
        <CopyButton text={code} label={t('verify.copyCode', { language })} />
      </div>
      <pre tabindex={0}>{code}</pre>
    </details>
  );
}
