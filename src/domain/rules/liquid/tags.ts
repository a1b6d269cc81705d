import * as liquid from 'liquidjs/dist/liquid.browser.mjs';
import { contextOf, numberOf } from './context.ts';
import { TemplateError, unitsOfParts } from './work.ts';

/** Longest tag that opens a loop, in characters: `forloop` carries it, and is made a text wherever it is asked for by itself. */
const MAX_FOR_LENGTH = 500;

/** liquidjs takes a list apart, or an object into a list, before it counts anything; and it makes a number of whatever a limit is. */
class ForTag extends liquid.ForTag {
  constructor(token: liquid.TagToken, remaining: liquid.Token[], engine: liquid.Liquid, parser: liquid.Parser) {
    if (token.end - token.begin > MAX_FOR_LENGTH) throw new TemplateError(`a \`for\` has at most ${MAX_FOR_LENGTH} characters`);
    super(token, remaining, engine, parser);
  }

  override *render(context: liquid.Context, emitter: liquid.Emitter): Generator<unknown, unknown, unknown> {
    const collection = yield liquid.evalToken(this.collection, context);
    if (typeof collection === 'object' && collection !== null) contextOf({ context }).work.use(unitsOfParts(collection));
    const { limit, offset } = (yield this.hash.render(context)) as Record<string, unknown>;
    if (Number.isNaN(numberOf(limit)) || Number.isNaN(numberOf(offset))) throw new TemplateError('`limit` and `offset` are numbers');
    return yield super.render(context, emitter);
  }
}

/** liquidjs compares without an operator, and so without counting. */
class CaseTag extends liquid.CaseTag {
  override *render(context: liquid.Context, emitter: liquid.Emitter): Generator<unknown, unknown, unknown> {
    const equals = context.opts.operators['=='] as liquid.Operator;
    const target = liquid.toValue(yield this.value.value(context));
    let isHit = false;
    for (const { values, templates } of this.branches) {
      for (const value of values) {
        if (!(yield equals(target, yield liquid.evalToken(value, context), context))) continue;
        isHit = true;
        yield this.liquid.renderer.renderTemplates(templates, context, emitter);
        break;
      }
    }
    if (!isHit) yield this.liquid.renderer.renderTemplates(this.elseTemplates, context, emitter);
    return undefined;
  }
}

/** Inside itself it would be read again for each level: 20,000 characters took seconds. */
class LiquidTag extends liquid.LiquidTag {
  constructor(token: liquid.TagToken, remaining: liquid.Token[], engine: liquid.Liquid, parser: liquid.Parser) {
    if (!token.getText().startsWith('{%')) throw new TemplateError('`liquid` cannot stand inside `liquid`');
    super(token, remaining, engine, parser);
  }
}

/** Tags that ask for another template: there is none. */
class OtherTemplateTag {
  constructor({ name }: liquid.TagToken) {
    throw new TemplateError(`\`${name}\` is not available: a template stands alone`);
  }
}
const OTHER_TEMPLATE = OtherTemplateTag as unknown as liquid.TagClass;

/** The tags that templates have. Those that make HTML, or that are no part of Liquid any more, are left out. */
export const TAGS: Readonly<Record<string, liquid.TagClass>> = {
  '#': liquid.InlineCommentTag,
  assign: liquid.AssignTag,
  break: liquid.BreakTag,
  capture: liquid.CaptureTag,
  case: CaseTag,
  comment: liquid.CommentTag,
  continue: liquid.ContinueTag,
  echo: liquid.EchoTag,
  for: ForTag,
  if: liquid.IfTag,
  liquid: LiquidTag,
  raw: liquid.RawTag,
  unless: liquid.UnlessTag,
  block: OTHER_TEMPLATE,
  include: OTHER_TEMPLATE,
  layout: OTHER_TEMPLATE,
  render: OTHER_TEMPLATE,
};
