import type { Child } from 'hono/jsx';
import type { WebhookRow } from '../../db/webhooks.ts';
import { Twins } from '../attention/twins.tsx';
import { formatWords } from '../choices/format.tsx';
import { takeFlash } from '../frame/flash.ts';
import { LIVE_HEADER } from '../frame/page.tsx';
import { paths } from '../frame/paths.ts';
import type { PageContext } from '../frame/visit.ts';
import { Copyable } from '../parts/copyable.tsx';
import { webhookOf } from '../webhook/webhook-page.tsx';
import { rich, t } from '../words/words.tsx';
import { Recipes } from './recipe-list.tsx';
import { type Recipe, recipeOf } from './recipes.ts';
import { stepPage, stepPath } from './steps.tsx';

/** `GET <webhook>/setup`: where saving a new webhook leads. Its secret is shown right here, once, and what else there is to say above it. */
export async function showSetup(c: PageContext): Promise<Response> {
  const webhook = webhookOf(c);
  const recipe = recipeOf(webhook.url);
  const left = c.req.header(LIVE_HEADER) === undefined ? await takeFlash(c) : null;
  const flash = left ? { kind: left.kind, message: left.message } : undefined;
  return await stepPage(
    c,
    { step: '', title: t('setup.step.secret'), flash },
    <>
      <Twins webhook={webhook} visit={c.get('visit')} />
      <div class="beside">
        <section class="card step" aria-labelledby="step-title">
          {webhook.secret === null ? <NoSecret webhook={webhook} /> : <Secret webhook={webhook} secret={left?.secret} recipe={recipe} />}
          {recipe && recipe.format !== 'event' && recipe.format !== webhook.format && <OtherFormat webhook={webhook} recipe={recipe} />}
        </section>
        <aside>
          <Recipes title={t('setup.inYourTool')} open={recipe} />
        </aside>
      </div>
    </>,
  );
}

function NoSecret({ webhook }: { webhook: WebhookRow }) {
  return (
    <>
      <h2 id="step-title">{t('setup.noSecret')}</h2>
      <p>{t('setup.noSecretHint')}</p>
      <div class="actions">
        <a class="button primary" href={stepPath(webhook, 'test')}>
          {t('setup.toTest')}
        </a>
      </div>
    </>
  );
}

function Secret({ webhook, secret, recipe }: { webhook: WebhookRow; secret: string | undefined; recipe: Recipe | null }) {
  const canCheck = recipe?.checksSignatures ?? true;
  const toCode = (inner: Child) => <a href={paths.webhook(webhook.id, 'verify?for=developers')}>{inner}</a>;
  return (
    <>
      <h2 id="step-title">{t('setup.secret')}</h2>
      {secret === undefined ? (
        <p>{rich('setup.secretWasShown', { link: (inner) => <a href={paths.webhook(webhook.id, 'settings')}>{inner}</a> })}</p>
      ) : (
        <p>
          <Copyable text={secret} label={t('layout.secret')} />
        </p>
      )}
      <p>
        {canCheck
          ? rich('setup.secretForWhom', { link: toCode })
          : rich('setup.secretNotThere', { tool: recipe?.name ?? '', link: toCode })}
      </p>
      <div class="actions">
        <a class={canCheck ? 'button primary' : 'button'} href={stepPath(webhook, 'test')}>
          {t('setup.copied')}
        </a>
        <a class={canCheck ? 'button' : 'button primary'} href={stepPath(webhook, 'test')}>
          {t('setup.skipSecret')}
        </a>
      </div>
    </>
  );
}

/** Of a product that takes its own kind of message only. */
function OtherFormat({ webhook, recipe }: { webhook: WebhookRow; recipe: Recipe }) {
  return (
    <p class="banner warn">
      {rich('setup.otherFormat', {
        tool: recipe.name,
        needed: formatWords(recipe.format),
        present: formatWords(webhook.format),
        link: (inner) => <a href={`${paths.webhook(webhook.id, 'settings')}#fold-sent`}>{inner}</a>,
      })}
    </p>
  );
}
