//! JSON whose numbers keep their digits, so that integers of any size are compared as such.

/// A JSON value; numbers as written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    Number(String),
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    /// Reads one value.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut reader = Reader { text, at: 0 };
        let value = reader.value()?;
        reader.space();
        if reader.at < text.len() {
            return Err(reader.error("the end"));
        }
        Ok(value)
    }

    pub(crate) fn object<const N: usize>(members: [(&str, Self); N]) -> Self {
        Self::Object(members.map(|(name, value)| (name.to_owned(), value)).into())
    }

    /// The member of that name that is not null.
    pub(crate) fn get(&self, name: &str) -> Option<&Self> {
        let Self::Object(members) = self else {
            return None;
        };
        let member = members.iter().find(|(known, _)| known == name);
        member
            .map(|(_, value)| value)
            .filter(|value| **value != Self::Null)
    }

    pub(crate) fn as_str(&self) -> Option<&str> {
        if let Self::Text(text) = self {
            Some(text)
        } else {
            None
        }
    }

    pub(crate) fn text(&self, name: &str) -> Result<&str, String> {
        self.get(name)
            .and_then(Self::as_str)
            .ok_or_else(|| format!("`{name}` is no text"))
    }

    /// A whole number in the range of `N`.
    pub(crate) fn whole<N: TryFrom<i128>>(&self, name: &str) -> Result<N, String> {
        let number = match self.get(name) {
            Some(Self::Number(digits)) => digits.parse::<i128>().ok(),
            _ => None,
        };
        number
            .and_then(|number| N::try_from(number).ok())
            .ok_or_else(|| format!("`{name}` is no whole number in range"))
    }

    /// A switch, or `default` where it is absent.
    pub(crate) fn switch(&self, name: &str, default: bool) -> Result<bool, String> {
        match self.get(name) {
            None => Ok(default),
            Some(Self::Bool(on)) => Ok(*on),
            Some(_) => Err(format!("`{name}` is neither true nor false")),
        }
    }
}

impl From<bool> for Json {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<&str> for Json {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<f64> for Json {
    fn from(value: f64) -> Self {
        Self::Number(format!("{value:?}"))
    }
}

impl From<i128> for Json {
    fn from(value: i128) -> Self {
        Self::Number(value.to_string())
    }
}

impl<T: Into<Json>> From<Option<T>> for Json {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn space(&mut self) {
        self.at = self.text.len()
            - self
                .rest()
                .trim_start_matches([' ', '\t', '\r', '\n'])
                .len();
    }

    fn error(&self, expected: &str) -> String {
        format!("byte {}: expected {expected}", self.at)
    }

    fn takes(&mut self, token: &str) -> bool {
        self.space();
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    fn value(&mut self) -> Result<Json, String> {
        self.space();
        match self.rest().bytes().next() {
            Some(b'{') => self.members(),
            Some(b'[') => self.elements(),
            Some(b'"') => self.string().map(Json::Text),
            _ if self.takes("null") => Ok(Json::Null),
            _ if self.takes("true") => Ok(Json::Bool(true)),
            _ if self.takes("false") => Ok(Json::Bool(false)),
            _ => {
                let part_of = |byte: u8| byte.is_ascii_digit() || b"+-.eE".contains(&byte);
                let length = self
                    .rest()
                    .bytes()
                    .take_while(|&byte| part_of(byte))
                    .count();
                let number = &self.rest()[..length];
                if number.parse::<f64>().is_err() {
                    return Err(self.error("a value"));
                }
                let number = Json::Number(number.to_owned());
                self.at += length;
                Ok(number)
            }
        }
    }

    fn members(&mut self) -> Result<Json, String> {
        self.at += 1;
        let mut members = Vec::new();
        if self.takes("}") {
            return Ok(Json::Object(members));
        }
        loop {
            self.space();
            let name = self.string()?;
            if !self.takes(":") {
                return Err(self.error("`:`"));
            }
            members.push((name, self.value()?));
            if self.takes("}") {
                return Ok(Json::Object(members));
            }
            if !self.takes(",") {
                return Err(self.error("`,` or `}`"));
            }
        }
    }

    fn elements(&mut self) -> Result<Json, String> {
        self.at += 1;
        let mut elements = Vec::new();
        if self.takes("]") {
            return Ok(Json::List(elements));
        }
        loop {
            elements.push(self.value()?);
            if self.takes("]") {
                return Ok(Json::List(elements));
            }
            if !self.takes(",") {
                return Err(self.error("`,` or `]`"));
            }
        }
    }

    fn string(&mut self) -> Result<String, String> {
        let mut strings = serde_json::Deserializer::from_str(self.rest()).into_iter::<String>();
        match strings.next() {
            Some(Ok(string)) => {
                self.at += strings.byte_offset();
                Ok(string)
            }
            _ => Err(self.error("a text")),
        }
    }
}
