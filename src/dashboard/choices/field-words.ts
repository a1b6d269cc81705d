import { keysOf } from '../../domain/rules/path.ts';
import { currentLanguage, LANGUAGES } from '../words/language.ts';
import { t } from '../words/words.tsx';

/** The fields that the product documents: people have words for them. */
const KNOWN = [
  ...['event', 'session_id', 'visitor.email', 'visitor.first_name', 'visitor.last_name', 'visitor.job_title', 'visitor.linkedin_url'],
  ...['visitor.location', 'company.name', 'company.industry', 'company.employee_count', 'company.location', 'company.domain'],
  ...['session.landing_page', 'session.pages_visited', 'session.utm_source', 'session.utm_medium', 'session.referrer'],
  'session.device_type',
] as const;

const HEADINGS = ['visitor', 'company', 'session'] as const;

/** `company.employee_count` as “Company size”, `company.lead_score` as “Company lead score”. */
export function fieldName(path: string): string {
  const known = KNOWN.find((each) => each === path);
  if (known !== undefined) return t(`field.${known}`);
  return capitalized(path.replaceAll(/[._\s-]+/g, ' ').trim()) || path;
}

/** A field's name within a sentence: “company size”. */
export function fieldInSentence(path: string): string {
  const name = fieldName(path);
  const isKept = LANGUAGES[currentLanguage()].hasCapitalNouns || name.startsWith('LinkedIn');
  return isKept ? name : name.charAt(0).toLowerCase() + name.slice(1);
}

/** Under which heading a field is offered: “Company”. */
export function fieldHeading(path: string): string {
  const [first = path, ...rest] = keysOf(path);
  if (rest.length === 0) return t('fieldHeading.event');
  const known = HEADINGS.find((each) => each === first);
  return known === undefined ? capitalized(first.replaceAll(/[_-]+/g, ' ')) : t(`fieldHeading.${known}`);
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
