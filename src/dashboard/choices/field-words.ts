import { keysOf } from '../../domain/rules/path.ts';

/** What people call the fields that the product documents. */
const NAMES: Readonly<Record<string, string>> = {
  event: 'Event type',
  session_id: 'Visit (session)',
  'visitor.email': 'E-mail address',
  'visitor.first_name': 'First name',
  'visitor.last_name': 'Last name',
  'visitor.job_title': 'Job title',
  'visitor.linkedin_url': 'LinkedIn profile',
  'visitor.location': 'Location of the visitor',
  'company.name': 'Company name',
  'company.industry': 'Industry',
  'company.employee_count': 'Company size',
  'company.location': 'Country / location',
  'company.domain': 'Company website',
  'session.landing_page': 'Landing page',
  'session.pages_visited': 'Pages visited',
  'session.utm_source': 'Source (utm_source)',
  'session.utm_medium': 'Medium (utm_medium)',
  'session.referrer': 'Referrer',
  'session.device_type': 'Device',
};

/** `company.employee_count` as “Company size”, `company.lead_score` as “Company lead score”. */
export function fieldName(path: string): string {
  if (Object.hasOwn(NAMES, path)) return NAMES[path] as string;
  return capitalized(path.replaceAll(/[._\s-]+/g, ' ').trim()) || path;
}

/** A field's name within a sentence: “company size”. */
export function fieldInSentence(path: string): string {
  const name = fieldName(path);
  return name.startsWith('LinkedIn') ? name : name.charAt(0).toLowerCase() + name.slice(1);
}

/** Under which heading a field is offered: “Company”. */
export function fieldHeading(path: string): string {
  const keys = keysOf(path);
  return keys.length === 1 ? 'The event itself' : capitalized((keys[0] as string).replaceAll(/[_-]+/g, ' '));
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
