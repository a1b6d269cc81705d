import { formatWords } from '../choices/format.tsx';
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
          <li>{step}</li>
        ))}
      </ol>
      <dl class="facts">
        <dt>What to send</dt>
        <dd>{format === 'event' ? 'The event as it is' : `Under “What is sent”, choose to send it ${formatWords(format)}`}.</dd>
        <dt>Signature</dt>
        <dd>{signature}</dd>
        {note && (
          <>
            <dt>Good to know</dt>
            <dd>{note}</dd>
          </>
        )}
      </dl>
      <p>
        <a href={page} target="_blank" rel="noopener noreferrer">
          More about it
          <span class="visually-hidden"> (how {name} takes webhooks, in a new tab)</span>
        </a>
      </p>
    </details>
  );
}
