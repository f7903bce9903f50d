//! `docs/format.md`: what it says is what the program does. A corpus of more than a hundred stores, twenty-three of them honest, is judged by
//! `counterfoil verify` and by a verifier that somebody has written with nothing but the document at hand.

mod corpus;
mod document;
mod honest;
mod tampered;
mod tampered_files;
