import { expectBalancedBooks } from './balanced-books.ts';

expectBalancedBooks(1);
