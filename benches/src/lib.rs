//! The budgets of the design, measured with verified answers.
