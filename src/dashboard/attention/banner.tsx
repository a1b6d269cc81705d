import type { Child } from 'hono/jsx';
import { Icon } from '../parts/icons.tsx';

interface BannerProps {
  tone: 'warn' | 'bad' | 'info';
  title: string;
  children?: Child;
}

/** Something that a page says of all that it shows. */
export function Banner({ tone, title, children }: BannerProps) {
  return (
    <section class={`banner ${tone}`}>
      <h2>
        <Icon name={tone === 'info' ? 'info' : 'warning'} />
        {title}
      </h2>
      {children}
    </section>
  );
}
