import { isOperational } from '../../domain/event/operational-event.ts';
import { subscribes } from '../../domain/webhook/webhook.ts';
import type { Problems } from '../parts/field.tsx';
import type { ExistingWebhook, Pressed } from '../webhook/webhook-form.tsx';
import type { Keepable, WebhookFormValues } from '../webhook/webhook-input.ts';
import { list } from '../words/formats.ts';
import { t } from '../words/words.tsx';
import { rowCount } from './condition-rows.ts';
import { Fields, fieldsWords } from './fields.tsx';
import { FilterPart, Step } from './filter-part.tsx';
import { Fold } from './fold.tsx';
import { FormatChoice, formatWords } from './format.tsx';
import { HeadersPart } from './headers.tsx';
import { OncePart } from './once.tsx';
import { MatchPreview, type NotTried, PayloadPreview, type Preview } from './preview.tsx';
import { nounOf } from './webhook-words.ts';

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
  const noun = nounOf(events);
  const isWrong = [...problems.keys()].some((name) => name === 'filter' || name.startsWith('condition-'));
  const isSet = filter.mode === 'json' || filter.rows.items.length > 0 || values.kept.includes('filter');
  const isPressed = /^(condition|group|filter|preview\.filter|anew\.filter)/.test(pressed?.step ?? '');
  const passing = eventTypes.filter(({ name }) => isOperational(name) && subscribes(events, name)).map(({ name }) => name);
  const focus = pressed?.focus ?? null;
  return (
    <Fold id="fold-filter" title={t('filter.title')} said={filterSentence(values)} open={isSet || isWrong || isPressed}>
      <p class="hint">
        {t('filter.hint')} {passing.length > 0 && t('filter.passing', { types: list(passing) })}
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
      <p>{t(`kept.${what}`)}</p>
      <div class="actions">
        <Step value={`anew.${what}`} id={`anew-${what}`} isPlain focus={focus}>
          {t('kept.anew')}
        </Step>
      </div>
    </div>
  );
}

function filterSentence({ filter, events, kept }: WebhookFormValues): string {
  const noun = nounOf(events);
  if (kept.includes('filter')) return t('filter.byKept', { noun });
  if (filter.mode === 'json') return filter.json.trim() === '' ? t('filter.allSent', { noun }) : t('filter.byJson', { noun });
  const count = rowCount({ ...filter.rows });
  if (count === 0) return t('filter.allSent', { noun });
  return count === 1 || filter.rows.match === 'all' ? t('filter.byAll', { noun, count }) : t('filter.byAny', { noun, count });
}

function SentFold({ values, problems, offered, example, preview, pressed }: ChoicesProps) {
  const { fields, format } = values;
  const isWrong = problems.has('template') || problems.has('fields');
  const isSet = format.format !== 'event' || !fields.isAll || values.kept.includes('fields');
  const form = formatWords(format.format);
  return (
    <Fold
      id="fold-sent"
      title={t('sent.title')}
      said={fields.isAll ? t('sent.said', { format: form }) : t('sent.saidFields', { format: form, fields: fieldsWords(fields.paths) })}
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
