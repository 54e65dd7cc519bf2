"""Invented names in the scripts that schools meet, each with the Latin letters its owner uses in an address."""

import re
import unicodedata
from typing import Final, NamedTuple

_LETTERS: Final = str.maketrans(
    {"ł": "l", "đ": "d", "ø": "o", "ß": "ss", "ı": "i", "æ": "ae", "Ł": "L", "Đ": "D", "Ø": "O", "Æ": "AE"}
)


class Name(NamedTuple):
    """A name as written, and in lower-case a–z."""

    written: str
    latin: str


class Pool(NamedTuple):
    """The names of one culture."""

    girls: tuple[Name, ...]
    boys: tuple[Name, ...]
    families: tuple[Name, ...]


def latin(written: str) -> str:
    """Return the letters a–z of a name, without accents, marks and spaces; "" where it has none."""
    plain = unicodedata.normalize("NFKD", written.translate(_LETTERS)).lower()
    return re.sub(r"[^a-z]", "", plain)


def _names(text: str) -> tuple[Name, ...]:
    parts = [part.strip().partition("|") for part in text.split(",")]
    return tuple(Name(written, given or latin(written)) for written, _, given in parts)


def _pool(girls: str, boys: str, families: str) -> Pool:
    return Pool(_names(girls), _names(boys), _names(families))


ENGLISH: Final = _pool(
    "Amelia, Olivia, Isla, Poppy, Freya,"
    " Florence, Willow, Daisy, Phoebe, Sienna, Alice, Harriet, Martha, Edith, Rosie, Imogen, Matilda,"
    " Beatrice, Heidi, Clara, Thea, Eliza, Nancy, Robyn, Iris, Hazel, Lottie, Ada, Mabel, Anne-Marie",
    "Arthur, Alfie, Freddie, Theo, Oscar, Archie, Henry, Leo, Jack, Harry, Toby, Reuben, Rory, Ellis,"
    " Frank, Stanley, Ralph, Felix, Rowan, Jude, Albert, Hugo, Elliot, Laurie, Caleb, Miles, Ned,"
    " Gabriel, Ewan, Jean-Luc",
    "Ashdown, Barlow, Birch, Blackwood, Bramley, Brookes, Calloway, Carver, Chadwick, Clifton,"
    " Cotterill, Cresswell, Dunmore, Eastwood, Fairley, Fenwick, Garside, Greaves, Hallam, Hargreaves,"
    " Haworth, Hollis, Ingham, Kershaw, Langley, Lockwood, Marsden, Mayhew, Nuttall, Oakes, Ormerod,"
    " Pemberton, Pickering, Quill, Radcliffe, Rigby, Rowntree, Sadler, Shackleton, Sherwood, Stanhope,"
    " Sutcliffe, Tattersall, Thorpe, Underwood, Wainwright, Whitaker, Winstanley, Woodhouse, Yardley,"
    " Smith-Barlow, St. Clair, de la Haye",
)
IRISH: Final = _pool(
    "Aoife, Niamh, Róisín, Sinéad, Saoirse, Caoimhe, Orla, Gráinne, Clodagh, Bríd, Éilís",
    "Cillian, Oisín, Seán, Fionn, Pádraig, Conor, Eoin, Darragh, Lorcan, Ruairí, Tadhg",
    "O’Brien, O'Connor, O’Shea, Ní Bhriain, Mac Aodha, Byrne, Doherty, Gallagher, McBride,"
    " Ó Súilleabháin, Keane, Tierney, Lavelle",
)
POLISH: Final = _pool(
    "Zofia, Łucja, Małgorzata, Agnieszka, Jagoda, Świetlana, Żaneta, Bożena, Kinga, Wanda",
    "Łukasz, Paweł, Mikołaj, Jędrzej, Stanisław, Święcisław, Błażej, Kazimierz, Tymon, Wit",
    "Żółć, Wiśniewicz, Dąbrowicz, Łęczycki, Źrebiec, Gołąb, Śliwa, Nowakiewicz, Brzęczek, Jaźwiec,"
    " Kądziela, Wróbel, Piórko",
)
SPANISH: Final = _pool(
    "Lucía, Inés, Begoña, Sofía, Noemí, Belén, Araceli, Rocío, Nuria, Paz",
    "Íñigo, Andrés, Joaquín, Raúl, Ángel, Martín, Óscar, Álvaro, Jesús, Nicolás",
    "Ñandú, Ibáñez, Peña, García Núñez, Zúñiga, Sepúlveda, Quiñones, Cebrián, Montoya, Ordóñez, Arriaga, Luengo",
)
PORTUGUESE: Final = _pool(
    "Conceição, Inês, Leonor, Lurdes, Beatriz, Matilde, Graça",
    "João, Simão, Tomé, Gonçalo, Duarte, Estêvão, Vasco",
    "Magalhães, Assunção, Falcão, Simões, Brandão, Queirós, Bragança, Leitão",
)
VIETNAMESE: Final = _pool(
    "Thảo, Ngọc Ánh, Hằng, Mỹ Duyên, Quỳnh, Bích, Lan, Diễm, Yến",
    "Đức, Hữu Phước, Tuấn, Khải, Minh Trí, Vũ, Sơn, Lâm, Quốc Bảo",
    "Nguyễn, Trần, Phạm, Đặng, Huỳnh, Bùi, Võ, Đỗ, Hồ, Dương, Lý, Phan",
)
CHINESE: Final = _pool(
    "小雨|xiaoyu, 雪梅|xuemei, 丽华|lihua, 思琪|siqi, 欣怡|xinyi, 雅婷|yating, 美玲|meiling, 晓燕|xiaoyan, 静|jing",
    "小明|xiaoming, 子轩|zixuan, 浩然|haoran, 建国|jianguo, 宇航|yuhang, 志强|zhiqiang, 俊杰|junjie, 天佑|tianyou,"
    " 伟|wei",
    "王|wang, 陈|chen, 黄|huang, 林|lin, 欧阳|ouyang, 赵|zhao, 周|zhou, 徐|xu, 司马|sima, 何|he",
)
ARABIC: Final = _pool(
    "فاطمة|fatima, مريم|maryam, نور|nour, ليلى|layla, سلمى|salma, هدى|huda, رنا|rana, زينب|zainab, أميرة|amira",
    "محمد|mohammed, يوسف|yousef, عمر|omar, كريم|karim, خالد|khaled, سامي|sami, طارق|tareq, حسن|hassan, زياد|ziad",
    "الحداد|alhaddad, المصري|almasri, النجار|alnajjar, العطار|alattar, سليمان|suleiman,"
    " الخطيب|alkhatib, منصور|mansour, الزهراني|alzahrani, درويش|darwish",
)
GREEK_AND_SLAVIC: Final = _pool(
    "Ελένη|eleni, Δέσποινα|despina, Олена|olena, Надія|nadiia, Марія|mariia, Σοφία|sofia, Дарина|daryna",
    "Γιώργος|giorgos, Νίκος|nikos, Тарас|taras, Сергій|serhii, Богдан|bohdan, Στέλιος|stelios, Андрій|andrii",
    "Παππάς|pappas, Οικονόμου|oikonomou, Шевчук|shevchuk, Коваленко|kovalenko, Мельник|melnyk,"
    " Καραγιάννης|karagiannis, Бондар|bondar",
)
WEST_AFRICAN: Final = _pool(
    "Adaeze, Folasadé, Ngozi, Yaa, Abẹ́ní, Ifeoma, Abena, Chidinma, Esi",
    "Chinedu, Kwabena, Tobi, Oluwaṣeun, Emeka, Kofi, Kojo, Obinna, Ayọ̀",
    "Adébáyọ̀, Okafor, Mensah, Eze, Owusu, Babátúndé, Nwosu, Asante, Boateng, Ọlátúnjí, Agyeman",
)
INDIAN: Final = _pool(
    "Aanya, Diya, Ishita, Kavya, Meera, Nandini, Saanvi, Tara, Lakshmi Priya",
    "Aarav, Arjun, Dhruv, Ishaan, Kabir, Rohan, Vihaan, Yash, Venkata Subramaniam",
    "Bhattacharya, Chatterjee, Deshpande, Iyer, Kulkarni, Mehra, Nair, Patil, Reddy, Saxena, Venkataraman",
)
NEPALI: Final = _pool(
    "Aakriti, Anjali, Bipana, Manisha, Pratibha, Sabina, Sushmita, Yangchen, Pema, सीता|sita, गीता|gita, Dolma",
    "Aayush, Bibek, Bishal, Kiran, Nabin, Prakash, Sagar, Suman, Tenzin, Lhakpa, राम|ram, हरि|hari",
    "Adhikari, Basnet, Bhandari, Gurung, Karki, Khadka, Lama, Magar, Maharjan, Poudel, Rai, Shakya,"
    " Sherpa, Shrestha, Tamang, Thapa, श्रेष्ठ|shrestha, अधिकारी|adhikari",
)
AFRIKAANS: Final = _pool(
    "Anneliese, Marlene, Zanét, Liesl, Elmarie, Karlien, Suné, Riana, Annetjie, Ilze, Mariëtte, Corné",
    "Hendrik, Gideon, Danie, Stefaan, Ruan, Kobus, Dewald, Fanie, Jannes, Wessel, André, Barend",
    "Aucampse, Bezuidenhof, Cilliersen, Du Preezer, Esterhout, Fouriesen, Geldenhof, Grobbelaer, Lötterie,"
    " Malherber, Naudéus, Oberholtz, Pienaarsen, Raubenhof, Swanepool, Terblanz, Van Rensberg, Viljoenster",
)
NGUNI_AND_SOTHO: Final = _pool(
    "Ayanda, Lerato, Nandi, Palesa, Refilwe, Zanele, Busisiwe, Dineo, Nokuthula, Kelebogile, Thandeka, Puleng",
    "Bongani, Katlego, Lwazi, Mandla, Sibusiso, Tshepo, Vuyo, Kagiso, Themba, Mpho, Siyabonga, Lebohang",
    "Dlaminisa, Khumalisi, Maselekwa, Mokoenane, Ndlovane, Nkosintu, Radebisi, Sitholeni, Tshabalani,"
    " Zungwane, Molefetsi, Mthembisi, Phakisile, Qwabesho",
)
INTERNATIONAL: Final = _pool(
    "Anneke, Chloé, Fränze, Ingrid, Yuki, Ha-eun, Şeyma, Zoë, Maëlle, Sunniva, Aiko",
    "Björn, Søren, Jürgen, Haruto, Min-jun, Çağrı, Loïc, Étienne, Mattis, Ren, Emre",
    "Müller-Lüdenscheid, Ångström, Großmann, Lefèvre, Sjøberg, Takahashi, Yıldız, Van der Bergh,"
    " Öztürk, Kobayashi, Lindqvist, Fournier, Brüggemann",
)

NORTHGATE_NAMES: Final = (
    (58, ENGLISH),
    (6, IRISH),
    (5, POLISH),
    (4, SPANISH),
    (2, PORTUGUESE),
    (4, VIETNAMESE),
    (3, CHINESE),
    (4, ARABIC),
    (2, GREEK_AND_SLAVIC),
    (5, WEST_AFRICAN),
    (7, INDIAN),
)
HIMAL_NAMES: Final = ((52, NEPALI), (24, INDIAN), (12, INTERNATIONAL), (5, CHINESE), (4, ENGLISH), (3, ARABIC))
TAMARIND_NAMES: Final = (
    (34, ARABIC),
    (24, INDIAN),
    (22, ENGLISH),
    (6, INTERNATIONAL),
    (5, IRISH),
    (5, WEST_AFRICAN),
    (4, NEPALI),
)
HERON_FORK_NAMES: Final = (
    (48, ENGLISH),
    (24, SPANISH),
    (8, POLISH),
    (6, WEST_AFRICAN),
    (6, INDIAN),
    (4, VIETNAMESE),
    (4, CHINESE),
)
# Of letters that Windows-1252 has: its office's spreadsheet would write "?" for any other.
KAREEDAL_NAMES: Final = ((40, AFRIKAANS), (36, NGUNI_AND_SOTHO), (14, ENGLISH), (6, INDIAN), (4, PORTUGUESE))
