import { FORMATS, type Format, MAX_TEMPLATE_LENGTH } from '../../domain/rules/choices.ts';
import { Problem, type Problems } from '../parts/field.tsx';
import { rich, t } from '../words/words.tsx';
import { Choice } from './fold.tsx';

/** In which form an event is sent. The template is kept while another form is chosen, as long as the form is filled in. */
export interface FormatValues {
  format: Format;
  template: string;
}

export const AS_IT_IS: FormatValues = { format: 'event', template: '' };

export function formatOf(webhook: { format: Format; template: string | null }): FormatValues {
  return { format: webhook.format, template: webhook.template ?? '' };
}

export function formatOfForm(form: URLSearchParams): FormatValues {
  return {
    format: FORMATS.find((format) => format === form.get('format')) ?? 'event',
    template: (form.get('template') ?? '').replaceAll('\r\n', '\n'),
  };
}

/** As the API takes it: a template goes with its format alone. */
export function formatInput({ format, template }: FormatValues): { format: Format; template?: string | null } {
  return format === 'template' ? { format, template: template.trim() === '' ? null : template } : { format };
}

/** “as a Slack message” */
export function formatWords(format: Format): string {
  return t(`format.as.${format}`);
}

interface FormatProps {
  values: FormatValues;
  problems: Problems;
  /** An event of a type that the webhook subscribes to, laid out. */
  example: string;
  /** What is wrong with the template, as it was tried; null: nothing, or it was not. */
  flaw: string | null;
}

export function FormatChoice({ values, problems, example, flaw }: FormatProps) {
  return (
    <fieldset>
      <legend>{t('format.title')}</legend>
      {FORMATS.map((format) => (
        <Choice
          name="format"
          value={format}
          title={t(`format.${format}`)}
          hint={t(`format.${format}Hint`)}
          chosen={values.format === format}
        >
          {format === 'template' ? (
            <TemplateEditor values={values} problem={problems.get('template')} example={example} flaw={flaw} />
          ) : undefined}
        </Choice>
      ))}
    </fieldset>
  );
}

function TemplateEditor({ values: { template }, problem, example, flaw }: Omit<FormatProps, 'problems'> & { problem: string | undefined }) {
  return (
    <div class="editor">
      <div class={problem ? 'field wrong' : 'field'}>
        <label for="template">{t('template.label')}</label>
        <textarea
          id="template"
          name="template"
          class="code"
          rows={12}
          maxlength={MAX_TEMPLATE_LENGTH}
          placeholder={'{\n  "email": {{ visitor.email | json }},\n  "company": {{ company.name | json }}\n}'}
          spellcheck={false}
          autocomplete="off"
          autofocus={problem !== undefined}
          aria-invalid={problem ? 'true' : undefined}
          aria-describedby={problem ? 'template-error template-hint' : 'template-hint'}
        >
          {/* A line end at the beginning would be taken for markup. */}
          {`\n${template}`}
        </textarea>
        <Problem name="template" problem={problem} />
        <div id="template-flaw" data-follows="">
          <FlawedLine template={template} problem={problem ?? flaw ?? ''} isSaid={problem !== undefined} />
        </div>
        <p class="hint" id="template-hint">
          {rich('template.hint', { sample: '{{ visitor.email | json }}', code: (inner) => <code>{inner}</code> })}
        </p>
      </div>
      <div class="field">
        <span class="label">{t('template.example')}</span>
        <pre tabindex={0}>{example}</pre>
      </div>
    </div>
  );
}

/** Longest part of a line that is shown, around the mistake. */
const SHOWN_LENGTH = 80;

/** The line that a problem names, with its number, and where in it. @param isSaid whether the problem itself stands beside it already */
function FlawedLine({ template, problem, isSaid }: { template: string; problem: string; isSaid: boolean }) {
  const [, line, column] = /line (\d+), column (\d+)/i.exec(problem) ?? [];
  const text = template.split('\n')[Number(line) - 1];
  if (text === undefined) return null;
  const at = Number(column) - 1;
  const from = Math.max(0, at - SHOWN_LENGTH / 2);
  const shown = text.slice(from, from + SHOWN_LENGTH).toWellFormed();
  return (
    <>
      {!isSaid && <p class="error">{problem}</p>}
      <pre class="flawed">{`${line} │ ${shown}\n${' '.repeat(`${line}`.length)} │ ${' '.repeat(at - from)}^`}</pre>
    </>
  );
}
