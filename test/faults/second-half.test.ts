import { expectBalancedBooks } from './balanced-books.ts';

expectBalancedBooks(1_050, 1_050);
