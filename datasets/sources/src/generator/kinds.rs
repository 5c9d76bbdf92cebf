//! What the catalogue is made of: branches of classes, slots, and the names and levels in them.

/// A branch of classes that share main stat, attack and equipment.
pub(super) struct Branch {
    /// Classes of it, as documents write them.
    pub(super) classes: &'static [&'static str],
    /// The word that stands in the names of its equipment.
    pub(super) word: &'static str,
    /// Its main stat in option lines.
    pub(super) stat: &'static str,
    /// Whether it uses `마력` in place of `공격력`.
    pub(super) magic: bool,
}

/// The branches; each draws its items from its own part of the catalogue.
pub(super) const BRANCHES: [Branch; 8] = [
    Branch {
        classes: &[
            "히어로",
            "팔라딘",
            "다크나이트",
            "소울마스터",
            "미하일",
            "아란",
            "아델",
        ],
        word: "나이트",
        stat: "STR",
        magic: false,
    },
    Branch {
        classes: &["데몬어벤져"],
        word: "워리어",
        stat: "최대 HP",
        magic: false,
    },
    Branch {
        classes: &[
            "보우마스터",
            "신궁",
            "패스파인더",
            "윈드브레이커",
            "와일드헌터",
            "메르세데스",
        ],
        word: "아처",
        stat: "DEX",
        magic: false,
    },
    Branch {
        classes: &[
            "아크메이지(불,독)",
            "아크메이지(썬,콜)",
            "비숍",
            "플레임위자드",
            "에반",
            "루미너스",
        ],
        word: "메이지",
        stat: "INT",
        magic: true,
    },
    Branch {
        classes: &["나이트로드", "나이트워커", "팬텀", "호영"],
        word: "시프",
        stat: "LUK",
        magic: false,
    },
    Branch {
        classes: &["바이퍼", "캐논슈터", "스트라이커", "아크", "은월"],
        word: "파이렛",
        stat: "STR",
        magic: false,
    },
    Branch {
        classes: &["캡틴", "메카닉", "엔젤릭버스터"],
        word: "건슬링거",
        stat: "DEX",
        magic: false,
    },
    Branch {
        classes: &["제논"],
        word: "하이브리드",
        stat: "LUK",
        magic: false,
    },
];

/// Which options a slot's tables have.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Options {
    /// No potential at all.
    None,
    /// Stats only.
    Stats,
    /// Stats, drop rate and mesos.
    Accessory,
    /// Stats and cooldown.
    Hat,
    /// Stats and critical damage.
    Gloves,
    /// Attack, ignored defence and boss damage.
    Weapon,
    /// Attack and ignored defence.
    Emblem,
}

/// A place for equipment.
pub(super) struct Slot {
    /// `item_equipment_slot`.
    pub(super) slot: &'static str,
    /// `item_equipment_part`.
    pub(super) part: &'static str,
    /// Which options it may have.
    pub(super) options: Options,
    /// Whether it takes stars.
    pub(super) stars: bool,
    /// Whether it takes flames.
    pub(super) flame: bool,
    /// Levels and names; `{}` becomes the branch's word.
    pub(super) names: &'static [(u16, &'static str)],
}

const RINGS: &[(u16, &str)] = &[
    (200, "거대한 공포"),
    (160, "여명의 가디언 엔젤 링"),
    (140, "마이스터링"),
    (120, "코스모스 링"),
    (120, "리부트 컨티뉴어스 링"),
];

const PENDANTS: &[(u16, &str)] = &[
    (160, "고통의 근원"),
    (140, "데이브레이크 펜던트"),
    (140, "도미네이터 펜던트"),
    (120, "매커네이터 펜던트"),
];

const fn slot(
    slot: &'static str,
    part: &'static str,
    options: Options,
    stars: bool,
    flame: bool,
    names: &'static [(u16, &'static str)],
) -> Slot {
    Slot {
        slot,
        part,
        options,
        stars,
        flame,
        names,
    }
}

/// The 24 slots of a character.
pub(super) const SLOTS: [Slot; 24] = {
    use Options::{Accessory, Emblem, Gloves, Hat, None, Stats, Weapon};
    [
        slot(
            "모자",
            "모자",
            Hat,
            true,
            true,
            &[
                (250, "에테르넬 {}햇"),
                (200, "아케인셰이드 {}햇"),
                (160, "앱솔랩스 {}헬름"),
                (150, "하이네스 {}햇"),
            ],
        ),
        slot(
            "얼굴장식",
            "얼굴장식",
            Accessory,
            true,
            true,
            &[
                (160, "루즈 컨트롤 머신 마크"),
                (140, "트와일라이트 마크"),
                (120, "응축된 힘의 결정석"),
            ],
        ),
        slot(
            "눈장식",
            "눈장식",
            Accessory,
            true,
            true,
            &[
                (160, "마력이 깃든 안대"),
                (145, "파풀라투스 마크"),
                (135, "블랙빈 마크"),
            ],
        ),
        slot(
            "귀고리",
            "귀고리",
            Accessory,
            true,
            true,
            &[
                (200, "커맨더 포스 이어링"),
                (160, "에스텔라 이어링"),
                (140, "마이스터 이어링"),
                (130, "데아 시두스 이어링"),
            ],
        ),
        slot(
            "상의",
            "상의",
            Stats,
            true,
            true,
            &[(250, "에테르넬 {}로브"), (150, "이글아이 {}로브")],
        ),
        slot(
            "하의",
            "하의",
            Stats,
            true,
            true,
            &[(250, "에테르넬 {}팬츠"), (150, "트릭스터 {}팬츠")],
        ),
        slot(
            "신발",
            "신발",
            Stats,
            true,
            true,
            &[
                (250, "에테르넬 {}부츠"),
                (200, "아케인셰이드 {}슈즈"),
                (160, "앱솔랩스 {}슈즈"),
            ],
        ),
        slot(
            "장갑",
            "장갑",
            Gloves,
            true,
            true,
            &[
                (250, "에테르넬 {}핸드"),
                (200, "아케인셰이드 {}글러브"),
                (160, "앱솔랩스 {}글러브"),
            ],
        ),
        slot(
            "망토",
            "망토",
            Stats,
            true,
            true,
            &[
                (250, "에테르넬 {}망토"),
                (200, "아케인셰이드 {}케이프"),
                (160, "앱솔랩스 {}케이프"),
            ],
        ),
        slot(
            "보조무기",
            "보조장비",
            Weapon,
            false,
            false,
            &[(100, "{}마스터의 유산"), (100, "{}의 비밀")],
        ),
        slot(
            "무기",
            "무기",
            Weapon,
            true,
            true,
            &[
                (200, "아케인셰이드 {}웨폰"),
                (160, "앱솔랩스 {}웨폰"),
                (150, "파프니르 {}웨폰"),
                (200, "제네시스 {}웨폰"),
            ],
        ),
        slot("반지1", "반지", Accessory, true, false, RINGS),
        slot("반지2", "반지", Accessory, true, false, RINGS),
        slot("반지3", "반지", Accessory, true, false, RINGS),
        slot("반지4", "반지", Accessory, true, false, RINGS),
        slot("펜던트", "펜던트", Accessory, true, true, PENDANTS),
        slot("펜던트2", "펜던트", Accessory, true, true, PENDANTS),
        slot(
            "훈장",
            "훈장",
            None,
            false,
            false,
            &[(100, "칠요의 몬스터파커")],
        ),
        slot(
            "벨트",
            "벨트",
            Stats,
            true,
            true,
            &[
                (200, "몽환의 벨트"),
                (160, "타임리스 벨트"),
                (150, "분노한 자쿰의 벨트"),
            ],
        ),
        slot(
            "어깨장식",
            "어깨장식",
            Stats,
            true,
            false,
            &[
                (250, "에테르넬 {}숄더"),
                (200, "아케인셰이드 {}숄더"),
                (160, "앱솔랩스 {}숄더"),
                (120, "로얄 블랙메탈 숄더"),
            ],
        ),
        slot(
            "포켓 아이템",
            "포켓 아이템",
            None,
            false,
            true,
            &[(160, "저주받은 적의 마도서"), (140, "핑크빛 성배")],
        ),
        slot(
            "기계 심장",
            "기계 심장",
            Stats,
            true,
            false,
            &[(200, "컴플리트 언더컨트롤"), (120, "블랙 하트")],
        ),
        slot("뱃지", "뱃지", None, false, false, &[(100, "칠요의 뱃지")]),
        slot(
            "엠블렘",
            "엠블렘",
            Emblem,
            false,
            false,
            &[(200, "미트라의 분노 : {}"), (100, "골드 메이플리프 엠블렘")],
        ),
    ]
};
