import { isOperational } from '../../domain/operational-event.ts';
import { subscribes } from '../../domain/webhook.ts';
import type { Problems } from '../field.tsx';
import type { ExistingWebhook, Pressed } from '../webhook-form.tsx';
import type { Keepable, WebhookFormValues } from '../webhook-input.ts';
import { rowCount } from './condition-rows.ts';
import { Fields, fieldsWords } from './fields.tsx';
import { FilterPart, Step } from './filter-part.tsx';
import { Fold } from './fold.tsx';
import { FormatChoice, formatWords } from './format.tsx';
import { HeadersPart } from './headers.tsx';
import { OncePart } from './once.tsx';
import { MatchPreview, type NotTried, PayloadPreview, type Preview } from './preview.tsx';
import { eventNoun } from './webhook-words.ts';

interface ChoicesProps {
  values: WebhookFormValues;
  problems: Problems;
  eventTypes: readonly { name: string }[];
  existing: ExistingWebhook | null;
  offered: readonly string[];
  example: string;
  preview: Preview | NotTried | null;
  pressed: Pressed | null;
}

/** What a webhook sends, of what, and how it shows who it is. All of it is off by default, and folded then. */
export function Choices(props: ChoicesProps) {
  const { values, problems, existing, offered, pressed } = props;
  return (
    <div class="choices">
      <FilterFold {...props} />
      <OncePart values={values.once} offered={offered} problems={problems} />
      <SentFold {...props} />
      <HeadersPart values={values.headers} problems={problems} present={existing?.headerNames ?? null} focus={pressed?.focus ?? null} />
    </div>
  );
}

function FilterFold({ values, problems, eventTypes, existing, offered, preview, pressed }: ChoicesProps) {
  const { filter, events } = values;
  const noun = eventNoun(events);
  const isWrong = [...problems.keys()].some((name) => name === 'filter' || name.startsWith('condition-'));
  const isSet = filter.mode === 'json' || filter.rows.items.length > 0 || values.kept.includes('filter');
  const isPressed = /^(condition|group|filter|preview\.filter|anew\.filter)/.test(pressed?.step ?? '');
  const passing = eventTypes.filter(({ name }) => isOperational(name) && subscribes(events, name)).map(({ name }) => name);
  const focus = pressed?.focus ?? null;
  return (
    <Fold id="fold-filter" title="Only some events" said={filterSentence(values)} open={isSet || isWrong || isPressed}>
      <p class="hint">
        An event that does not fit is not sent and not kept. It is counted, and the latest are listed on the webhook’s page.
        {passing.length > 0 && ` Of ${passing.join(' and ')} all are sent: they are about your webhooks.`}
      </p>
      {values.kept.includes('filter') ? (
        <Kept what="filter" focus={focus} />
      ) : (
        <FilterPart values={filter} offered={offered} problems={problems} focus={focus} stored={existing?.filter ?? null} />
      )}
      <MatchPreview preview={preview} noun={noun} webhookId={existing?.id ?? null} hasFilter={existing?.filter != null} focus={focus} />
    </Fold>
  );
}

/** Stands for what is too long for the page. */
function Kept({ what, focus }: { what: Keepable; focus: string | null }) {
  return (
    <div id={`${what}-part`} data-stepped="">
      <input type="hidden" name="kept" value={what} />
      <p>
        The {what === 'filter' ? 'conditions' : what} of this webhook are too long to be shown here. Saving leaves them as they are; the API
        can change them.
      </p>
      <div class="actions">
        <Step value={`anew.${what}`} id={`anew-${what}`} isPlain focus={focus}>
          Choose anew
        </Step>
      </div>
    </div>
  );
}

function filterSentence({ filter, events, kept }: WebhookFormValues): string {
  const { many } = eventNoun(events);
  if (kept.includes('filter')) return `Only ${many} that its conditions let through.`;
  if (filter.mode === 'json') return filter.json.trim() === '' ? `All ${many} are sent.` : `Only ${many} that a filter lets through.`;
  const count = rowCount({ ...filter.rows });
  if (count === 0) return `All ${many} are sent.`;
  return count === 1
    ? `Only ${many} for which a condition holds.`
    : `Only ${many} for which ${filter.rows.match === 'all' ? '' : 'one of '}${count} conditions hold.`;
}

function SentFold({ values, problems, offered, example, preview, pressed }: ChoicesProps) {
  const { fields, format } = values;
  const isWrong = problems.has('template') || problems.has('fields');
  const isSet = format.format !== 'event' || !fields.isAll || values.kept.includes('fields');
  const said = [`Sent ${formatWords(format.format)}`, ...(fields.isAll ? [] : [fieldsWords(fields.paths)])];
  return (
    <Fold
      id="fold-sent"
      title="What is sent"
      said={`${said.join(', ')}.`}
      open={isSet || isWrong || ['preview.sent', 'anew.fields'].includes(pressed?.step ?? '')}
    >
      <FormatChoice values={format} problems={problems} example={example} flaw={preview && 'error' in preview ? preview.error : null} />
      {values.kept.includes('fields') ? (
        <Kept what="fields" focus={pressed?.focus ?? null} />
      ) : (
        <Fields values={fields} offered={offered} problems={problems} />
      )}
      <PayloadPreview preview={preview} focus={pressed?.focus ?? null} />
    </Fold>
  );
}
