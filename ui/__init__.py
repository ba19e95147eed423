"""What pages share: opened resources, cards, panels, errors. With `pages`, the only place that imports streamlit."""
