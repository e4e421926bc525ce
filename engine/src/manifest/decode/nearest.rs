//! What was probably meant by a name that is none.

/// The nearest of some names, if one is near enough to be what was meant.
pub fn nearest<'n>(name: &str, among: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    among
        .into_iter()
        .map(|candidate| {
            let (a, b) = (
                name.to_lowercase().replace('-', "_"),
                candidate.to_lowercase().replace('-', "_"),
            );
            (strsim::damerau_levenshtein(&a, &b), candidate)
        })
        .filter(|(distance, candidate)| *distance <= 1 + candidate.chars().count().min(9) / 4)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// `did you mean …?`, for the nearest of some names.
pub fn did_you_mean<'n>(name: &str, among: impl IntoIterator<Item = &'n str>) -> Option<String> {
    nearest(name, among).map(|name| format!("did you mean `{name}`?"))
}
