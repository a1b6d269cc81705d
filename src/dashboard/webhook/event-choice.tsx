import { BUILT_IN_EVENT_TYPES, type EventType } from '../../domain/event/event-type.ts';
import { isOperational } from '../../domain/event/operational-event.ts';
import { Problem } from '../parts/field.tsx';
import { t } from '../words/words.tsx';
import type { WebhookFormValues } from './webhook-input.ts';

type OfferedEvent = Pick<EventType, 'name' | 'description' | 'example'>;

interface EventChoiceProps {
  values: WebhookFormValues;
  problem: string | undefined;
  eventTypes: readonly OfferedEvent[];
}

/** An entry of the list: a type of the catalogue, or several of them at once. */
interface Offer {
  name: string;
  title: string;
  description: string;
  example?: unknown;
}

/** Everything that is about visitors: what most people mean by "everything". */
const ALL_VISITORS = 'visitor.*';
const ALL_NOTICES = 'webhook.*';

/** Where a wrong choice leads to: the id of the first of the boxes. */
export const FIRST_EVENT = eventId(ALL_VISITORS);

/** Which events a webhook gets: those about visitors first, and news of the webhooks themselves apart from them. */
export function EventChoice({ values: { events }, problem, eventTypes }: EventChoiceProps) {
  const [visitors, notices, others] = offersOf(events, eventTypes);
  const chosen = (offers: readonly Offer[]) =>
    offers.map((offer) => (
      <EventOption offer={offer} chosen={events.includes(offer.name)} problem={eventId(offer.name) === FIRST_EVENT ? problem : undefined} />
    ));
  return (
    <fieldset class={problem ? 'wrong' : undefined} aria-describedby={problem ? 'events-error' : undefined}>
      <legend>{t('events.title')}</legend>
      <Problem name="events" problem={problem} />
      <fieldset class="group">
        <legend>{t('events.visitors')}</legend>
        {chosen(visitors)}
      </fieldset>
      {others.length > 0 && (
        <fieldset class="group">
          <legend>{t('events.others')}</legend>
          {chosen(others)}
        </fieldset>
      )}
      <details class="fold" id="fold-notices" open={notices.some(({ name }) => events.includes(name))}>
        <summary>
          <strong>{t('events.notices')}</strong>
          <span class="hint">{t('events.noticesHint')}</span>
        </summary>
        <fieldset class="group fold-body">
          <legend class="visually-hidden">{t('events.notices')}</legend>
          {chosen(notices)}
        </fieldset>
      </details>
    </fieldset>
  );
}

/** In the order in which they stand: about visitors, about webhooks, and the rest, with what a webhook has that is not offered. */
function offersOf(chosen: readonly string[], eventTypes: readonly OfferedEvent[]): [Offer[], Offer[], Offer[]] {
  const offers = eventTypes.map(
    (type): Offer => ({ name: type.name, title: type.name, description: aboutType(type), example: type.example }),
  );
  const about = (pattern: string) => offers.filter(({ name }) => name.startsWith(pattern.slice(0, -1))).toSorted(productFirst);
  const visitors: Offer[] = [
    { name: ALL_VISITORS, title: t('events.allVisitors'), description: t('events.allVisitorsHint') },
    ...about(ALL_VISITORS),
  ];
  const notices: Offer[] = [
    { name: ALL_NOTICES, title: t('events.allNotices'), description: t('events.allNoticesHint') },
    ...about(ALL_NOTICES),
    { name: '*', title: t('events.all'), description: t('events.allHint') },
  ];
  const listed = new Set([...visitors, ...notices].map(({ name }) => name));
  const rest = offers.filter(({ name }) => !listed.has(name));
  const known = new Set([...listed, ...rest.map(({ name }) => name)]);
  const unlisted = chosen.filter((name) => !known.has(name)).map((name) => ({ name, title: name, description: otherDescription(name) }));
  return [visitors, notices, [...rest, ...unlisted]];
}

/** The product's own event before the service's: nobody comes for these. */
function productFirst(one: Offer, other: Offer): number {
  return Number(isOperational(one.name)) - Number(isOperational(other.name));
}

function otherDescription(name: string): string {
  return name.endsWith('.*') ? t('events.beginsWith', { prefix: name.slice(0, -1) }) : t('events.gone');
}

function eventId(name: string): string {
  if (name === '*') return 'event-all';
  return name === ALL_VISITORS ? 'event-visitors' : `event-${name}`;
}

interface EventOptionProps {
  offer: Offer;
  chosen: boolean;
  /** What is wrong with the choice as a whole, said of the first of the options. */
  problem: string | undefined;
}

function EventOption({ offer: { name, title, description, example }, chosen, problem }: EventOptionProps) {
  const id = eventId(name);
  return (
    <div class="option">
      <input
        type="checkbox"
        name="events"
        value={name}
        id={id}
        checked={chosen}
        autofocus={problem !== undefined}
        aria-describedby={problem === undefined ? `${id}-description` : `events-error ${id}-description`}
      />
      <div>
        <label for={id}>{title === name ? <code>{title}</code> : title}</label>
        <p class="hint" id={`${id}-description`}>
          <WithCode text={description} />
        </p>
        {example !== undefined && example !== null && (
          <details>
            <summary>{t('events.sample')}</summary>
            <pre tabindex={0}>{JSON.stringify(example, null, 2)}</pre>
          </details>
        )}
      </div>
    </div>
  );
}

/** The types that have a text of their own here. */
const DESCRIBED = [
  'visitor.identified',
  'visitor.erased',
  'webhook.disabled',
  'webhook.failing',
  'webhook.recovered',
  'webhook.disable_warning',
] as const;

/** What a type is about: in the language of the page, unless the platform has described it in words of its own. */
function aboutType({ name, description }: OfferedEvent): string {
  const isOurs = BUILT_IN_EVENT_TYPES.some((type) => type.name === name && type.description === description);
  const described = isOurs ? DESCRIBED.find((each) => each === name) : undefined;
  return described === undefined ? description : t(`events.about.${described}`);
}

/** A text with `code` in it. */
function WithCode({ text }: { text: string }) {
  return <>{text.split('`').map((part, index) => (index % 2 === 1 ? <code>{part}</code> : part))}</>;
}
