//! One binary of tests: a module per promise.

mod decimal_conformance;
