import type { WebhookRow } from '../../db/webhooks.ts';
import { Twins } from '../attention/twins.tsx';
import { formatWords } from '../choices/format.tsx';
import { Copyable } from '../copyable.tsx';
import { takeFlash } from '../flash.ts';
import { LIVE_HEADER } from '../page.tsx';
import { paths } from '../paths.ts';
import type { PageContext } from '../visit.ts';
import { webhookOf } from '../webhook-page.tsx';
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
    { step: '', title: 'Copy the secret', flash },
    <>
      <Twins webhook={webhook} visit={c.get('visit')} />
      <div class="beside">
        <section class="card step" aria-labelledby="step-title">
          {webhook.secret === null ? <NoSecret webhook={webhook} /> : <Secret webhook={webhook} secret={left?.secret} recipe={recipe} />}
          {recipe && recipe.format !== 'event' && recipe.format !== webhook.format && <OtherFormat webhook={webhook} recipe={recipe} />}
        </section>
        <aside>
          <Recipes title="What to do in your tool" open={recipe} />
        </aside>
      </div>
    </>,
  );
}

function NoSecret({ webhook }: { webhook: WebhookRow }) {
  return (
    <>
      <h2 id="step-title">There is no secret to copy</h2>
      <p>You have chosen to have none: deliveries are not signed. You can set one later, in Settings.</p>
      <div class="actions">
        <a class="button primary" href={stepPath(webhook, 'test')}>
          Go on to the test
        </a>
      </div>
    </>
  );
}

function Secret({ webhook, secret, recipe }: { webhook: WebhookRow; secret: string | undefined; recipe: Recipe | null }) {
  const canCheck = recipe?.checksSignatures ?? true;
  return (
    <>
      <h2 id="step-title">Your signing secret</h2>
      {secret === undefined ? (
        <p>
          It was shown after saving. An admin can see it again in <a href={paths.webhook(webhook.id, 'settings')}>Settings</a>.
        </p>
      ) : (
        <p>
          <Copyable text={secret} label="Signing secret" />
        </p>
      )}
      <p>
        {canCheck
          ? 'Give it to whoever builds your endpoint. With it they can tell that a delivery is from us: '
          : `${recipe?.name} cannot check signatures, so you do not need it there. It is for endpoints of your own: `}
        <a href={paths.webhook(webhook.id, 'verify?for=developers')}>code to copy, in eight languages</a>.
      </p>
      <div class="actions">
        <a class={canCheck ? 'button primary' : 'button'} href={stepPath(webhook, 'test')}>
          I have copied it
        </a>
        <a class={canCheck ? 'button' : 'button primary'} href={stepPath(webhook, 'test')}>
          My tool cannot check signatures: skip
        </a>
      </div>
    </>
  );
}

/** Of a product that takes its own kind of message only. */
function OtherFormat({ webhook, recipe }: { webhook: WebhookRow; recipe: Recipe }) {
  return (
    <p class="banner warn">
      {recipe.name} understands what is sent {formatWords(recipe.format)}, and this webhook sends it {formatWords(webhook.format)}. Change
      that in <a href={`${paths.webhook(webhook.id, 'settings')}#fold-sent`}>Settings, under “What is sent”</a>.
    </p>
  );
}
