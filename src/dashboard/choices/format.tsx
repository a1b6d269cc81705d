import { FORMATS, type Format, MAX_TEMPLATE_LENGTH } from '../../domain/rules/choices.ts';
import { Problem, type Problems } from '../field.tsx';
import { Choice } from './fold.tsx';

/** In which form an event is sent. The template is kept while another form is chosen, as long as the form is filled in. */
export interface FormatValues {
  format: Format;
  template: string;
}

export const AS_IT_IS: FormatValues = { format: 'event', template: '' };

const FORMS: Readonly<Record<Format, readonly [title: string, hint: string]>> = {
  event: ['The event as it is', 'JSON, for your own code and most tools.'],
  flat: ['Flat JSON', 'On one level, with names such as visitor_email: for tools that cannot read nested JSON.'],
  slack: ['Slack message', 'The URL is that of an incoming webhook of Slack.'],
  teams: ['Teams message', 'The URL is that of a workflow of Microsoft Teams, “when a webhook request is received”.'],
  discord: ['Discord message', 'The URL is that of a webhook of a Discord channel.'],
  template: ['A template of your own', 'Liquid that makes the JSON that your endpoint takes.'],
};

/** As a sentence has it. */
const AS: Readonly<Record<Format, string>> = {
  event: 'as it is',
  flat: 'as flat JSON',
  slack: 'as Slack message',
  teams: 'as Teams message',
  discord: 'as Discord message',
  template: 'by a template of your own',
};

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

/** “as Slack message” */
export function formatWords(format: Format): string {
  return AS[format];
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
      <legend>Format</legend>
      {FORMATS.map((format) => {
        const [title, hint] = FORMS[format];
        return (
          <Choice name="format" value={format} title={title} hint={hint} chosen={values.format === format}>
            {format === 'template' ? (
              <TemplateEditor values={values} problem={problems.get('template')} example={example} flaw={flaw} />
            ) : undefined}
          </Choice>
        );
      })}
    </fieldset>
  );
}

function TemplateEditor({ values: { template }, problem, example, flaw }: Omit<FormatProps, 'problems'> & { problem: string | undefined }) {
  return (
    <div class="editor">
      <div class={problem ? 'field wrong' : 'field'}>
        <label for="template">Template</label>
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
          <code>{'{{ visitor.email | json }}'}</code> writes a value as JSON, with its quotes. It is tried on the examples when you save.
        </p>
      </div>
      <div class="field">
        <span class="label">The example event</span>
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
