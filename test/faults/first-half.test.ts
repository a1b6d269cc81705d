import { expectBalancedBooks } from './balanced-books.ts';

// Two files: each has a runtime, and a core, of its own.
expectBalancedBooks(0);
