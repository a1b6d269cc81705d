import { formatWords } from '../choices/format.tsx';
import { rich, t } from '../words/words.tsx';
import { RECIPES, type Recipe } from './recipes.ts';

interface RecipesProps {
  title: string;
  /** The one that is open; null: none is. */
  open?: Recipe | null;
}

/** What to do in the products that most people send to, folded. */
export function Recipes({ title, open = null }: RecipesProps) {
  return (
    <section class="card recipes" aria-labelledby="recipes-title">
      <h2 id="recipes-title">{title}</h2>
      {RECIPES.map((recipe) => (
        <RecipePart recipe={recipe} open={recipe === open} />
      ))}
    </section>
  );
}

function RecipePart({ recipe: { key, name, find, format, note, signature, page }, open }: { recipe: Recipe; open: boolean }) {
  return (
    <details name="recipe" open={open} id={`recipe-${key}`}>
      <summary>{name}</summary>
      <ol class="steps">
        {find.map((step) => (
          <li>{t(step)}</li>
        ))}
      </ol>
      <dl class="facts">
        <dt>{t('recipe.whatToSend')}</dt>
        <dd>{format === 'event' ? t('recipe.asItIs') : t('recipe.otherFormat', { format: formatWords(format) })}</dd>
        <dt>{t('recipe.signature')}</dt>
        <dd>{t(signature)}</dd>
        {note && (
          <>
            <dt>{t('recipe.goodToKnow')}</dt>
            <dd>{t(note)}</dd>
          </>
        )}
      </dl>
      <p>
        <a href={page} target="_blank" rel="noopener noreferrer">
          {rich('recipe.more', { tool: name, hidden: (inner) => <span class="visually-hidden">{inner}</span> })}
        </a>
      </p>
    </details>
  );
}
